// Identifiers and secrets from the system's random source.
import { randomBytes, randomUUID } from 'node:crypto';
import { CROCKFORD, readCrockford } from './crockford.ts';

/** A random value in base64url: `bits` of entropy, 6 bits a character. */
export function randomId(bits = 128): string {
  return randomBytes(Math.ceil(bits / 8)).toString('base64url');
}

/** Ten characters of Crockford base32: what a person reads out to the support. */
export function traceCode(): string {
  return Array.from(randomBytes(10), (byte) => CROCKFORD[byte & 31]).join('');
}

/** The trace code that somebody wrote down or read out; undefined for what is none. */
export function parseTraceCode(text: string): string | undefined {
  const code = readCrockford(text);
  return /^[0-9A-HJKMNP-TV-Z]{10}$/.test(code) ? code : undefined;
}

function base32(value: number, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) {
    text = CROCKFORD[rest % 32] + text;
  }
  return text;
}

let newest = { at: 0, count: 0 };

/**
 * Sorts by its time, and within a millisecond of one process by its making. `at` in milliseconds;
 * 24 characters, in any database's order of texts.
 */
export function timeOrderedId(at: number): string {
  newest = { at, count: newest.at === at ? newest.count + 1 : 0 };
  // The system's random source is asked for many of these at once.
  const random = randomUUID().slice(-12).toUpperCase();
  return base32(at, 9) + base32(newest.count, 3) + random;
}

/** In front of every account's id. */
export const PERSON = 'usr_';

export const accountId = (): string => `${PERSON}${randomId()}`;
export const clientId = (): string => `app_${randomId()}`;

/** What ids of service accounts begin with; ids of people and clients never do. */
export const SERVICE_ACCOUNT = 'sa_';
export const serviceAccountId = (): string => `${SERVICE_ACCOUNT}${randomId()}`;
