// What a request with an assertion asks for: each field one text of a length that means something.
import { errors } from 'oidc-provider';
import { readSixDigits } from '../lib/typed-codes.ts';
import type { Ctx } from './types.ts';

/** Longest text of each. */
const FIELDS = { assertion: 8192, mfa_code: 64, scope: 4096, resource: 2048 } as const;
type Field = keyof typeof FIELDS;

export const PARAMETERS: readonly string[] = Object.keys(FIELDS);

export interface AskedForToken {
  readonly assertion: string;
  readonly mfaCode: string | undefined;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
}

/** Throws `invalid_request` with the name of the field: nothing has been looked at. */
export function readAsked({ oidc }: Ctx): AskedForToken {
  const read = (field: Field) => readField(field, oidc.params?.[field]);
  const assertion = read('assertion');
  if (assertion === undefined) throw new errors.InvalidRequest('assertion is missing');
  const mfaCode = read('mfa_code');
  // What is no code is no guess either: nothing is spent and nothing counted for it.
  if (mfaCode !== undefined && readSixDigits(mfaCode) === undefined) {
    throw new errors.InvalidRequest('mfa_code must be six digits');
  }
  const others = { mfaCode, scope: read('scope'), resource: read('resource') };
  return { assertion, ...others };
}

function readField(field: Field, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw new errors.InvalidRequest(`${field} must be one text`);
  if (value.length > FIELDS[field]) {
    throw new errors.InvalidRequest(`${field} is longer than ${FIELDS[field]} characters`);
  }
  if (value.includes('\0')) throw new errors.InvalidRequest(`${field} holds a NUL`);
  return value;
}
