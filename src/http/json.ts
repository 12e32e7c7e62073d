// Reads a posted JSON object: what is doubtful, JSON.parse lets pass, so it is refused here by name.
import type { Context } from 'koa';
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';
import { findJsonFlaw } from '../lib/plain-json.ts';
import { readBody } from '../web/body.ts';

export const JSON_TYPE = 'application/json';
const LONGEST_TEXT = 8192;
/** Of many mistakes. */
const SHOWN = 5;

/** A member whose value is text, as it may stand in a database and a log. */
export const text = z
  .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be a string') })
  .min(1, 'must not be empty')
  .max(LONGEST_TEXT, `must not be longer than ${LONGEST_TEXT} characters`)
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be well-formed text');

/** Throws `unsupported_media_type`, `body_too_large`, `bad_request`: the message names the member. */
export async function readJson<T>(ctx: Context, schema: z.ZodType<T>): Promise<T> {
  if (!ctx.is(JSON_TYPE)) {
    const message = `Send ${JSON_TYPE}.`;
    throw new GatehouseError('unsupported_media_type', { message });
  }
  return parseJson(await readBody(ctx), schema);
}

export function parseJson<T>(body: Buffer, schema: z.ZodType<T>): T {
  const source = decode(body);
  assertPlain(source);
  return parseMembers(parse(source), schema);
}

/** Throws `bad_request`: the message names the member. */
export function parseMembers<T>(members: unknown, schema: z.ZodType<T>): T {
  const read = schema.safeParse(members);
  if (read.success) return read.data;
  throw invalid(read.error.issues.slice(0, SHOWN).map(describe).join('; '));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(body: Buffer): string {
  try {
    return utf8.decode(body);
  } catch {
    throw invalid('The body is not valid UTF-8.');
  }
}

function parse(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw invalid('The body is not valid JSON.');
  }
}

function assertPlain(source: string): void {
  const flaw = findJsonFlaw(source);
  if (flaw?.kind === 'too-deep') throw invalid('The JSON is nested too deeply.');
  if (flaw) throw invalid(`${printable(flaw.name)}: was sent twice`);
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const some = issue.keys.slice(0, SHOWN);
    return some.map((key) => `${printable(key)}: is not known here`).join('; ');
  }
  const [member] = issue.path;
  if (member === undefined) return 'The body must be a JSON object.';
  return `${printable(String(member))}: ${issue.message}`;
}

function printable(name: string): string {
  return name.replace(/[^\w.-]/g, '?').slice(0, 40);
}

function invalid(message: string): GatehouseError {
  return new GatehouseError('bad_request', { message });
}
