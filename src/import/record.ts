// One account of an import: what its fields may hold, and what is said of those that do not.
import { z } from 'zod';
import { isEmail } from '../domain/accounts/emails.ts';
import type { Attribute } from '../domain/attributes/attributes.ts';
import { type AttributeFlaw, readValues } from '../domain/attributes/values.ts';
import { whyUnreadable } from '../domain/passwords/unreadable.ts';
import { readExportedSecret, readOtpauth } from '../factors/index.ts';
import { fromIso, now } from '../lib/clock.ts';
import { findJsonFlaw } from '../lib/plain-json.ts';
import type { AttributeValues } from '../store/accounts.ts';

export interface ImportError {
  /** From 1. */
  readonly line: number;
  /** Null where the record as a whole cannot be read. */
  readonly field: string | null;
  readonly message: string;
}

/** What was taken in another way than it was written. */
export type RemarkKind = 'unknown' | 'blanks' | 'lost' | 'enrol';
export type FieldsByRemark = Readonly<Record<RemarkKind, readonly string[]>>;

export type ReadRecord =
  | {
      readonly kind: 'record';
      readonly line: number;
      readonly value: ImportRecord;
      readonly remarks: FieldsByRemark;
    }
  | { readonly kind: 'wrong'; readonly errors: readonly ImportError[] };

/** In letters. Ours have 160 bits; many that are in use elsewhere have 80. */
const SHORTEST_SECRET = 16;
const LONGEST_SECRET = 103;

/** As it is kept: in one spelling, without what means nothing. */
function toSecret(text: string, { addIssue }: z.RefinementCtx<string>): string {
  const isAddress = /^otpauth:/i.test(text);
  const secret = isAddress ? readOtpauth(text)?.secret : readExportedSecret(text);
  const unreadable = isAddress ? 'has no secret that could be read' : 'is not base32';
  const problem = secret === undefined ? `${unreadable}: export it again` : lengthProblem(secret);
  if (secret !== undefined && problem === undefined) return secret;
  addIssue({ code: 'custom', message: problem });
  return z.NEVER;
}

function lengthProblem({ length }: string): string | undefined {
  if (length < SHORTEST_SECRET) return 'is too short: at least 16 characters of base32 (80 bits)';
  return length > LONGEST_SECRET ? 'is longer than 103 characters of base32' : undefined;
}

/** No form nests deeper than the stack of whoever writes JSON. */
function toHash(parts: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(parts);
  } catch {
    return '{}';
  }
}

/** PostgreSQL keeps neither NUL nor half a character. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed();
const UNSTORABLE = 'contains a NUL or half a character: remove it';

const TEXT = 'must be text in quotes';
const LIST = 'must be a list of texts';
const FLAG = 'must be true or false, without quotes';

const record = z.object({
  email: z
    .string({
      error: ({ input }) => (input === undefined ? 'is missing: every account needs it' : TEXT),
    })
    .refine(isEmail, 'is not an email address: correct it'),
  name: z
    .string(TEXT)
    .max(200, 'is longer than 200 characters: shorten it')
    .refine(isStorable, UNSTORABLE)
    .optional(),
  password_hash: z
    .union([z.string(), z.record(z.string(), z.unknown()).transform(toHash)], TEXT)
    .superRefine((hash, { addIssue }) => {
      const why = isStorable(hash) ? whyUnreadable(hash) : UNSTORABLE;
      if (why) addIssue(why);
    })
    .optional(),
  email_verified: z.boolean(FLAG).default(false),
  status: z
    .enum(['active', 'locked', 'suspended'], 'must be active, locked or suspended')
    .default('active'),
  created_at: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-01-31T12:00:00Z' })
    .refine((text) => !(fromIso(text) > now()), 'is in the future: correct it or leave it out')
    .optional(),
  totp_secret: z.string(TEXT).transform(toSecret).optional(),
  otpauth: z
    .string(TEXT)
    .refine((text) => /^otpauth:/i.test(text), 'must be an address such as otpauth://totp/…')
    .transform(toSecret)
    .optional(),
  existing: z.boolean(FLAG).default(true),
  roles: z.array(z.unknown(), LIST).optional(),
  groups: z.array(z.unknown(), LIST).optional(),
  attributes: z.record(z.string(), z.unknown(), 'must be an object of attributes').default({}),
});

export type ImportRecord = Omit<z.infer<typeof record>, 'otpauth' | 'roles' | 'groups'> & {
  readonly attributes: AttributeValues;
};

const KNOWN = new Set(Object.keys(record.shape));

/**
 * @param known the attributes that an account may have
 * @returns undefined for a record that holds nothing
 */
export function readRecord(
  text: string,
  line: number,
  known: readonly Attribute[],
): ReadRecord | undefined {
  if (text.trim() === '') return undefined;
  const parsed = parseJson(text);
  if ('problem' in parsed) return wrong(line, null, parsed.problem);
  if (!isObject(parsed.value)) return wrong(line, null, 'must be one JSON object: {"email": …}');
  const { values, remarks } = clean(parsed.value);
  const result = record.safeParse(values);
  if (result.success) {
    const { otpauth, roles, groups, ...value } = result.data;
    const { totp_secret = otpauth } = value;
    if (otpauth !== undefined && totp_secret !== otpauth)
      return wrong(line, 'otpauth', 'has another secret than totp_secret: leave one of them out');
    const read = readValues(known, { ...value.attributes, roles, groups });
    if (read.kind === 'wrong') return wrongAttributes(line, read.flaws);
    const attributes = read.values;
    return { kind: 'record', line, value: { ...value, attributes, totp_secret }, remarks };
  }
  const errors = result.error.issues.map(({ path, message }) => ({
    line,
    field: path.join('.'),
    message,
  }));
  return { kind: 'wrong', errors };
}

function wrongAttributes(line: number, flaws: readonly AttributeFlaw[]): ReadRecord {
  const fieldOf = (name: string) => (KNOWN.has(name) ? name : `attributes.${name}`);
  const errors = flaws.map(({ name, message }) => ({ line, field: fieldOf(name), message }));
  return { kind: 'wrong', errors };
}

export function wrong(line: number, field: string | null, message: string): ReadRecord {
  return { kind: 'wrong', errors: [{ line, field, message }] };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What says nothing is left out, as if it were not there. */
function clean(given: Record<string, unknown>) {
  const values: Record<string, unknown> = {};
  const remarks: Record<RemarkKind, string[]> = { unknown: [], blanks: [], lost: [], enrol: [] };
  for (const [field, written] of Object.entries(given)) {
    const value = typeof written === 'string' ? written.trim() : written;
    const isKnown = KNOWN.has(field);
    if (isKnown && value !== written) remarks.blanks.push(field);
    if (value === '' || value === null) continue;
    if (!isKnown) {
      remarks.unknown.push(field);
      continue;
    }
    if (typeof value === 'string' && value.includes('\ufffd')) remarks.lost.push(field);
    if (isForeignFactor(field, value)) remarks.enrol.push(field);
    else values[field] = value;
  }
  return { values, remarks };
}

/** An app that makes codes which nobody here could check: its owner enrols again. */
function isForeignFactor(field: string, value: unknown): boolean {
  if (field !== 'totp_secret' && field !== 'otpauth') return false;
  return typeof value === 'string' && readOtpauth(value)?.isOurs === false;
}

type Parsed = { readonly value: unknown } | { readonly problem: string };

function parseJson(text: string): Parsed {
  try {
    const value: unknown = JSON.parse(text.trim());
    const flaw = findJsonFlaw(text);
    // Which of the two is meant, nobody can tell.
    if (flaw?.kind === 'sent-twice') return { problem: `has the field "${flaw.name}" twice` };
    return { value };
  } catch (error) {
    return { problem: problemOf(text, (error as Error).message) };
  }
}

/** The parser quotes what stands there, which may be a secret: only its column is told. */
function problemOf(text: string, message: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const before = text.length - text.trimStart().length;
  const at = position === undefined ? '' : ` (column ${before + Number(position) + 1})`;
  return message.includes('control character')
    ? `has a control character in a text${at}: write it as \\u00XX`
    : `is not valid JSON${at}: each account takes one line`;
}
