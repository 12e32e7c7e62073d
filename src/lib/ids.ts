// Identifiers and secrets from the system's random source.
import { randomBytes } from 'node:crypto';
import { CROCKFORD } from './crockford.ts';

/** A random value in base64url: `bits` of entropy, 6 bits a character. */
export function randomId(bits = 128): string {
  return randomBytes(Math.ceil(bits / 8)).toString('base64url');
}

/** Ten characters of Crockford base32: what a person reads out to the support. */
export function traceCode(): string {
  return Array.from(randomBytes(10), (byte) => CROCKFORD[byte & 31]).join('');
}

export const accountId = (): string => `usr_${randomId()}`;
export const clientId = (): string => `app_${randomId()}`;
