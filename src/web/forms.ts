// Reads a posted form: every field one string of bounded length, or a 4xx that names it.
import type { Context } from 'koa';
import { GatehouseError } from '../lib/errors.ts';
import { readBody } from './body.ts';
import type { Translate } from './catalogue.ts';
import { assertFewParameters } from './parameters.ts';

export type Form = Readonly<Record<string, string>>;

const FIELD_LIMIT = 4096;
export const FORM = 'application/x-www-form-urlencoded';

/** @param longest of any field */
export async function readForm(ctx: Context, longest = FIELD_LIMIT): Promise<Form> {
  if (!ctx.is(FORM)) throw new GatehouseError('unsupported_media_type');
  const body = await readBody(ctx);
  assertFewParameters(body, 'form');
  return parseForm(body, longest);
}

function parseForm(body: Buffer, longest: number): Form {
  const fields: Record<string, string> = Object.create(null);
  for (const pair of body.toString('latin1').split('&')) {
    if (pair === '') continue;
    const [name = '', ...rest] = pair.split('=');
    const key = decode(name, 'name');
    if (key in fields) throw invalid(`The field "${printable(key)}" was sent twice.`);
    fields[key] = checked(key, decode(rest.join('='), key), longest);
  }
  return fields;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(text: string, field: string): string {
  try {
    const sent = utf8.decode(Buffer.from(text, 'latin1'));
    return decodeURIComponent(sent.replaceAll('+', ' '));
  } catch {
    throw invalid(`The field "${printable(field)}" is not valid UTF-8.`);
  }
}

function checked(field: string, value: string, longest: number): string {
  if (value.length > longest) throw invalid(`The field "${printable(field)}" is too long.`);
  if (value.includes('\0')) throw invalid(`The field "${printable(field)}" holds a NUL.`);
  return value;
}

function printable(name: string): string {
  return name.replace(/[^\w.[\]-]/g, '?').slice(0, 40);
}

function invalid(message: string): GatehouseError {
  return new GatehouseError('bad_request', { message });
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Field → what is wrong with it. Messages of our schemas are keys of the catalogue. */
export function fieldErrors(issues: readonly Issue[], t: Translate): Record<string, string> {
  const entries = issues.map((issue) => [String(issue.path[0] ?? ''), textOf(issue, t)] as const);
  return Object.fromEntries(entries.reverse());
}

function textOf({ message }: Issue, t: Translate): string {
  return /^[\w-]+\.[\w-]+$/.test(message) ? t(message) : t('errors.field');
}
