// What an assertion has to say: for whom it speaks, to whom, from when until when, and once.
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { Members } from './assertion-form.ts';

export interface Claims {
  readonly iss: string;
  /** Seconds. */
  readonly exp: number;
  readonly jti: string;
}

/** Seconds; clocks differ by so much. */
export const SKEW = 30;
const LONGEST = 300;
/** Twice as long as any assertion may live: what was made before that was not made for now. */
const OLDEST = 600;
const LONGEST_JTI = 255;
/** What an id can be at all: anything else never reaches the database. */
const ID = new RegExp(`^${SERVICE_ACCOUNT}[\\w-]{1,64}$`);

export function isServiceAccountId(id: unknown): id is string {
  return typeof id === 'string' && ID.test(id);
}

/** @param at seconds */
export function findClaimsFlaw(
  claims: Members,
  audiences: readonly string[],
  at: number,
): string | undefined {
  const { iss, sub, aud, jti } = claims;
  if (sub === undefined) return 'no sub';
  if (sub !== iss) return 'sub is not iss';
  if (aud === undefined) return 'no aud';
  if (typeof aud !== 'string') return 'aud must be one string';
  if (!audiences.includes(aud)) return "aud isn't this provider";
  return findTimesFlaw(claims, at) ?? (isJti(jti) ? undefined : 'no jti');
}

function isJti(jti: unknown): boolean {
  return typeof jti === 'string' && jti !== '' && jti.length <= LONGEST_JTI && jti.isWellFormed();
}

function findTimesFlaw({ exp, iat, nbf }: Members, at: number): string | undefined {
  if (exp === undefined) return 'no exp';
  if (!isTime(exp)) return 'exp must be a whole number';
  if (iat === undefined) return 'no iat';
  if (!isTime(iat)) return 'iat must be a whole number';
  if (nbf !== undefined && !isTime(nbf)) return 'nbf must be a whole number';
  if (exp <= at - SKEW) return 'expired';
  if (exp > at + LONGEST + SKEW) return 'exp is too far ahead';
  if (iat > at + SKEW) return 'iat is in the future';
  if (iat < at - OLDEST) return 'iat is too long ago';
  if (exp <= iat) return 'exp is not after iat';
  return nbf !== undefined && nbf > at + SKEW ? 'nbf is in the future' : undefined;
}

function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
