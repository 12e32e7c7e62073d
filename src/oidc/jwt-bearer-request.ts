// Reads the parameters of a token request with an assertion, each with a maximum length.
import { errors } from 'oidc-provider';
import { readSixDigits } from '../lib/typed-codes.ts';
import type { Ctx } from './types.ts';

/** The maximum length of each. */
const FIELDS = { assertion: 8192, mfa_code: 64, scope: 4096, resource: 2048 } as const;
type Field = keyof typeof FIELDS;

export const PARAMETERS: readonly string[] = Object.keys(FIELDS);

export interface AskedForToken {
  readonly assertion: string;
  readonly mfaCode: string | undefined;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
}

/** Throws `invalid_request` with the field's name, before anything is looked up. */
export function readAsked({ oidc }: Ctx): AskedForToken {
  const read = (field: Field) => readField(field, oidc.params?.[field]);
  const assertion = read('assertion');
  if (assertion === undefined) throw new errors.InvalidRequest('assertion is missing');
  const mfaCode = read('mfa_code');
  // Something else than a code isn't a guess: it spends nothing and isn't counted.
  if (mfaCode !== undefined && readSixDigits(mfaCode) === undefined) {
    throw new errors.InvalidRequest('mfa_code must be six digits');
  }
  const others = { mfaCode, scope: read('scope'), resource: read('resource') };
  return { assertion, ...others };
}

function readField(field: Field, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new errors.InvalidRequest(`${field} must be one string`);
  if (value.length > FIELDS[field]) {
    throw new errors.InvalidRequest(`${field} is longer than ${FIELDS[field]} characters`);
  }
  if (value.includes('\0')) throw new errors.InvalidRequest(`${field} contains a NUL`);
  return value;
}
