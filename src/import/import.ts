// Accounts from elsewhere: one JSON object each, taken or refused for itself.

import { isDeepStrictEqual } from 'node:util';
import { normalizedEmail } from '../domain/accounts/emails.ts';
import type { Attribute } from '../domain/attributes/attributes.ts';
import type { Audit } from '../domain/audit/audit.ts';
import type { Authenticators } from '../factors/index.ts';
import { fromIso, now } from '../lib/clock.ts';
import { isGatehouseError } from '../lib/errors.ts';
import { accountId } from '../lib/ids.ts';
import type { Account, AccountTable, NewAccount } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import { type Piece, piecesOf } from './pieces.ts';
import {
  type FieldsByRemark,
  type ImportError,
  type ImportRecord,
  type ReadRecord,
  type RemarkKind,
  readRecord,
  wrong,
} from './record.ts';

export type { ImportError } from './record.ts';

/** One for the file, however many lines it is about. */
export interface ImportRemark {
  readonly kind: RemarkKind;
  readonly fields: readonly string[];
  readonly first_line: number;
  readonly lines: number;
}

export interface ImportReport {
  /** Accounts made, or in a dry run those that would be. */
  readonly imported: number;
  /** Accounts that stand just as the file has them: an earlier run has made them. */
  readonly unchanged: number;
  readonly refused: number;
  readonly remarks: readonly ImportRemark[];
}

export interface ImportOptions {
  readonly dryRun?: boolean;
  /** Called after each batch with what it refused, and with the report so far. */
  readonly onBatch?: (errors: readonly ImportError[], soFar: ImportReport) => void;
}

export type ImportAccounts = (
  bytes: AsyncIterable<Uint8Array>,
  options?: ImportOptions,
) => Promise<ImportReport>;

/** Records at once: their units share transactions. */
const BATCH = 200;

interface ImportNeeds {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly authenticators: Authenticators;
  readonly audit: Audit;
  readonly attributes: readonly Attribute[];
}

type Outcome = 'imported' | 'unchanged' | readonly ImportError[];

export function createImport(needs: ImportNeeds): ImportAccounts {
  const { accountTable } = needs;

  const take = async ({ line, value }: TakenRecord, dryRun: boolean): Promise<Outcome> => {
    const standing = await accountTable.findByNormalizedEmail(normalizedEmail(value.email));
    if (standing) return isSame(standing, value) ? 'unchanged' : taken(line);
    return dryRun || (await make(needs, value)) ? 'imported' : taken(line);
  };

  return async (bytes, { dryRun = false, onBatch = () => undefined } = {}) => {
    // The first line of an address is the one that counts, whatever the database does first.
    const seen = new Map<string, number>();
    const check = (each: ReadRecord): ReadRecord => {
      if (each.kind === 'wrong') return each;
      const key = normalizedEmail(each.value.email);
      const earlier = seen.get(key);
      if (earlier === undefined) seen.set(key, each.line);
      return earlier === undefined
        ? each
        : wrong(each.line, 'email', `is the one of line ${earlier}: remove one of them`);
    };
    const count = { imported: 0, unchanged: 0, refused: 0 };
    const remarks = createRemarks();
    const report = () => ({ ...count, remarks: remarks.all() });
    for await (const batch of inBatches(readAll(piecesOf(bytes), needs.attributes))) {
      const records = batch.map(check);
      const found = await Promise.all(
        records.map((each) => (each.kind === 'wrong' ? each.errors : take(each, dryRun))),
      );
      for (const outcome of found) count[typeof outcome === 'string' ? outcome : 'refused'] += 1;
      for (const each of records) if (each.kind === 'record') remarks.add(each.line, each.remarks);
      onBatch(
        found.flatMap((each) => (typeof each === 'string' ? [] : each)),
        report(),
      );
    }
    return report();
  };
}

type TakenRecord = Extract<ReadRecord, { kind: 'record' }>;

/** @returns false where somebody else has just made an account with this address */
async function make(needs: ImportNeeds, value: ImportRecord): Promise<boolean> {
  const { store, accountTable, authenticators, audit } = needs;
  const account = toAccount(value);
  try {
    const { totp_secret: secret } = value;
    const name = 'Authenticator app';
    const factor = { accountId: account.id, name, secret: secret ?? '', lastStep: 0 };
    const factors = secret === undefined ? [] : [authenticators.add(factor)];
    const detail = { status: account.status, factors: factors.length };
    const imported = { kind: 'account.imported', accountId: account.id, detail } as const;
    await store.write(accountTable.insert(account), ...factors, audit.record(imported));
    return true;
  } catch (error) {
    if (isGatehouseError(error, 'already_exists')) return false;
    throw error;
  }
}

const taken = (line: number): ImportError[] => [
  {
    line,
    field: 'email',
    message: 'belongs to an account already: change that one, or remove the line',
  },
];

/** Whether an import of this record would have made just that: it did, before it was stopped. */
function isSame(account: Account, value: ImportRecord): boolean {
  return (
    account.email === value.email &&
    account.name === value.name &&
    account.role === 'user' &&
    account.status === value.status &&
    account.passwordHash === value.password_hash &&
    account.emailVerified === value.email_verified &&
    account.existing === value.existing &&
    isDeepStrictEqual(account.attributes, value.attributes) &&
    (account.mfaEnrolledAt !== undefined) === (value.totp_secret !== undefined) &&
    (value.created_at === undefined || account.createdAt === fromIso(value.created_at))
  );
}

function toAccount(value: ImportRecord): NewAccount {
  const at = now();
  return {
    id: accountId(),
    email: value.email,
    normalizedEmail: normalizedEmail(value.email),
    name: value.name,
    role: 'user',
    status: value.status,
    passwordHash: value.password_hash,
    emailVerified: value.email_verified,
    existing: value.existing,
    attributes: value.attributes,
    mfaEnrolledAt: value.totp_secret === undefined ? undefined : at,
    createdAt: value.created_at === undefined ? at : fromIso(value.created_at),
    at,
  };
}

async function* readAll(
  pieces: AsyncIterable<Piece>,
  attributes: readonly Attribute[],
): AsyncGenerator<ReadRecord> {
  for await (const piece of pieces) {
    const found =
      'problem' in piece
        ? wrong(piece.line, null, piece.problem)
        : readRecord(piece.text, piece.line, attributes);
    if (found) yield found;
  }
}

/** Names of fields that one remark holds: a file may have a new one on each line. */
const MOST_FIELDS = 20;

function createRemarks() {
  const found = new Map<RemarkKind, { fields: Set<string>; first_line: number; lines: number }>();
  return {
    add: (line: number, remarks: FieldsByRemark) => {
      for (const kind of ['unknown', 'blanks', 'lost', 'enrol'] as const) {
        if (remarks[kind].length === 0) continue;
        const { fields, first_line, lines } = found.get(kind) ?? {
          fields: new Set<string>(),
          first_line: line,
          lines: 0,
        };
        for (const field of remarks[kind]) if (fields.size < MOST_FIELDS) fields.add(field);
        found.set(kind, { fields, first_line, lines: lines + 1 });
      }
    },
    all: (): ImportRemark[] =>
      [...found].map(([kind, { fields, ...rest }]) => ({ kind, fields: [...fields], ...rest })),
  };
}

async function* inBatches(items: AsyncIterable<ReadRecord>): AsyncGenerator<ReadRecord[]> {
  let batch: ReadRecord[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
