// The members of requests by first-party applications.
import { z } from 'zod';
import type { Factor } from '../../../factors/index.ts';
import { text } from '../../json.ts';

const client = {
  client_id: text.optional(),
  client_assertion: text.optional(),
  client_assertion_type: text.optional(),
};

/** A scope is written with spaces between its names (RFC 6749, 3.3). */
const scope = text.regex(/^[\x21\x23-\x5b\x5d-\x7e ]+$/, 'must be names with spaces between them');

/** @param methods those that take a code, each in a member of its own */
export function requestsFor(factors: readonly Factor[]) {
  const codes = Object.fromEntries(
    factors.flatMap(({ member }) => (member === undefined ? [] : [[member, text.optional()]])),
  ) as Readonly<Record<string, z.ZodOptional<typeof text>>>;
  return {
    login: z.strictObject({
      email: text,
      password: text,
      scope: scope.optional(),
      device_token: text.optional(),
      ...client,
      ...codes,
    }),
    factor: z.strictObject({ session_id: text, ...client, ...codes }),
    challenge: z.strictObject({ session_id: text, ...client }),
    refresh: z.strictObject({ refreshToken: text, ...client }),
    logout: z.strictObject({ refreshToken: text, ...client }),
  };
}
