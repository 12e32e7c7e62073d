// Lists what a sign-in brought as names and values that a page can show.
import { toIso } from '../lib/clock.ts';
import type { SignedIn } from './provider.ts';

export interface Fact {
  readonly name: string;
  readonly value: string;
}

const timeClaims = ['auth_time', 'exp', 'iat', 'nbf', 'updated_at'];
const largestTime = 8.64e12;

export function claimFacts(claims: Readonly<Record<string, unknown>>): Fact[] {
  return Object.entries(claims).map(([name, value]) => ({ name, value: claimText(name, value) }));
}

// Facts about the tokens, never the tokens: whoever holds those acts for the person.
export function tokenFacts(signedIn: SignedIn): Fact[] {
  const { scope, accessTokenExpiresAt: expiresAt, refreshToken } = signedIn;
  return [
    { name: 'Scope', value: scope },
    { name: 'Access token expires', value: expiresAt === undefined ? 'unknown' : toIso(expiresAt) },
    { name: 'Refresh token', value: refreshToken === undefined ? 'none' : 'received' },
  ];
}

function claimText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' && timeClaims.includes(name)) return timeText(value);
  return JSON.stringify(value);
}

function timeText(seconds: number): string {
  const isInRange = Math.abs(seconds) <= largestTime;
  return isInRange ? `${seconds} (${toIso(seconds * 1000)})` : `${seconds}`;
}
