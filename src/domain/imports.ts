// Accounts from elsewhere: one JSON object a line, each taken or refused for itself.
import { z } from 'zod';
import { fromIso, now } from '../lib/clock.ts';
import { isGatehouseError } from '../lib/errors.ts';
import { accountId } from '../lib/ids.ts';
import type { Accounts, NewAccount } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit/audit.ts';
import { readSecret } from './authenticator-secrets.ts';
import type { AuthenticatorsDomain } from './authenticators.ts';
import { emailKey, isEmail } from './emails.ts';
import { isReadableHash } from './passwords/legacy.ts';

export interface ImportError {
  /** From 1. */
  readonly line: number;
  /** Null where the line as a whole cannot be read. */
  readonly field: string | null;
  readonly message: string;
}

export interface ImportReport {
  /** Accounts made, or in a dry run those that would be. */
  readonly imported: number;
  readonly errors: readonly ImportError[];
}

export interface ImportOptions {
  readonly dryRun?: boolean;
}

export type ImportAccounts = (
  lines: AsyncIterable<string>,
  options?: ImportOptions,
) => Promise<ImportReport>;

/** Lines at once: their units share transactions. */
const BATCH = 200;
const LONGEST_LINE = 64 * 1024;

/** In letters. Ours have 160 bits; many that are in use elsewhere have 80. */
const SHORTEST_SECRET = 16;
const LONGEST_SECRET = 103;

/** As it is kept: in one spelling, without what means nothing. */
function toSecret(text: string, context: z.RefinementCtx<string>): string {
  const secret = readSecret(text) ?? '';
  if (secret.length >= SHORTEST_SECRET && secret.length <= LONGEST_SECRET) return secret;
  context.addIssue({ code: 'custom', message: 'must be base32, of 80 bits at least' });
  return z.NEVER;
}

/** PostgreSQL keeps neither NUL nor half a character. */
const isStorable = (text: string) => !text.includes('\0') && text.isWellFormed();

const record = z.strictObject({
  email: z
    .string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be text') })
    .trim()
    .refine(isEmail, 'is no e-mail address'),
  name: z
    .string('must be text')
    .trim()
    .min(1, 'is empty')
    .max(200, 'is too long')
    .refine(isStorable, 'holds a broken character')
    .optional(),
  password_hash: z
    .string('must be text')
    .refine(isReadableHash, 'has a form that is not known, is damaged, or costs too much')
    .optional(),
  email_verified: z.boolean('must be true or false').default(false),
  status: z
    .enum(['active', 'locked', 'suspended'], 'must be active, locked or suspended')
    .default('active'),
  created_at: z.iso
    .datetime({ offset: true, error: 'must be a time as in 2026-01-31T12:00:00Z' })
    .refine((text) => fromIso(text) <= now(), 'lies ahead')
    .optional(),
  totp_secret: z.string('must be text').transform(toSecret).optional(),
  existing: z.boolean('must be true or false').default(true),
});

type ImportRecord = z.infer<typeof record>;

type Read =
  | { readonly kind: 'record'; readonly line: number; readonly value: ImportRecord }
  | { readonly kind: 'wrong'; readonly errors: readonly ImportError[] };

interface ImportNeeds {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly authenticators: AuthenticatorsDomain;
  readonly audit: Audit;
}

export function createImport(needs: ImportNeeds): ImportAccounts {
  const { store, accounts, authenticators, audit } = needs;
  const isTaken = async (email: string) =>
    (await accounts.findByEmailKey(emailKey(email))) !== undefined;

  const make = async (value: ImportRecord): Promise<boolean> => {
    const account = toAccount(value);
    try {
      const { totp_secret: secret } = value;
      const name = 'Authenticator app';
      const factor = { accountId: account.id, name, secret: secret ?? '', lastStep: 0 };
      const factors = secret === undefined ? [] : [authenticators.add(factor)];
      const detail = { status: account.status, factors: factors.length };
      const imported = { kind: 'account.imported', accountId: account.id, detail } as const;
      await store.write(accounts.insert(account), ...factors, audit.record(imported));
      return true;
    } catch (error) {
      if (isGatehouseError(error, 'already_exists')) return false;
      throw error;
    }
  };

  return async (lines, { dryRun = false } = {}) => {
    // The first line of an address is the one that counts, whatever the database does first.
    const seen = new Set<string>();
    const take = async (each: Read): Promise<readonly ImportError[]> => {
      if (each.kind === 'wrong') return each.errors;
      const { line, value } = each;
      const isNew = !seen.has(emailKey(value.email));
      seen.add(emailKey(value.email));
      const isMade = isNew && (dryRun ? !(await isTaken(value.email)) : await make(value));
      return isMade ? [] : [taken(line)];
    };
    const errors: ImportError[] = [];
    let imported = 0;
    for await (const batch of inBatches(readAll(lines))) {
      const found = await Promise.all(batch.map(take));
      imported += found.filter((each) => each.length === 0).length;
      errors.push(...found.flat());
    }
    return { imported, errors };
  };
}

const taken = (line: number): ImportError => ({
  line,
  field: 'email',
  message: 'belongs to an account already',
});

function toAccount(value: ImportRecord): NewAccount {
  const at = now();
  return {
    id: accountId(),
    email: value.email,
    emailKey: emailKey(value.email),
    name: value.name,
    role: 'user',
    status: value.status,
    passwordHash: value.password_hash,
    emailVerified: value.email_verified,
    existing: value.existing,
    mfaEnrolledAt: value.totp_secret === undefined ? undefined : at,
    createdAt: value.created_at === undefined ? at : fromIso(value.created_at),
    at,
  };
}

async function* readAll(lines: AsyncIterable<string>): AsyncGenerator<Read> {
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() !== '') yield read(text, line);
  }
}

function read(text: string, line: number): Read {
  const parsed = text.length > LONGEST_LINE ? undefined : parseJson(text.trim());
  if (parsed === undefined) return wrong(line, null, 'is not valid JSON');
  const result = record.safeParse(parsed);
  if (result.success) return { kind: 'record', line, value: result.data };
  const errors = result.error.issues.flatMap((issue) => describe(issue, line));
  return { kind: 'wrong', errors };
}

function wrong(line: number, field: string | null, message: string): Read {
  return { kind: 'wrong', errors: [{ line, field, message }] };
}

function describe(issue: z.core.$ZodIssue, line: number): ImportError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((field) => ({ line, field, message: 'is not known' }));
  }
  const field = issue.path.length === 0 ? null : issue.path.join('.');
  return [{ line, field, message: field ? issue.message : 'must hold one JSON object' }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function* inBatches(items: AsyncIterable<Read>): AsyncGenerator<Read[]> {
  let batch: Read[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
