// A half-done sign-in: every fact the steps need, on one row of ours, for fifteen minutes.
import { z } from 'zod';
import { ACR_VALUES, type Proof } from '../domain/sessions/assurance.ts';
import type { PasswordFinding } from '../factors/factor.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import { noteInRequest } from '../lib/request-context.ts';
import {
  changed,
  type FlowChange,
  type FlowRow,
  type FlowTable,
  type FoundFlowRow,
} from '../store/flows.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

const proof = z.object({
  method: z.string(),
  factor: z.enum(['knowledge', 'possession']),
  amr: z.array(z.string()),
  at: z.number(),
});

const wanted = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('anything') }),
  z.object({ kind: z.literal('at-least'), acr: z.enum(ACR_VALUES) }),
  z.object({ kind: z.literal('unreachable') }),
]);

/** What the right password told, and what becomes of it. Never which rule it fails. */
const passwordFacts = z.object({
  unmet: z.boolean(),
  /** The version of the policy that is met, where the account does not know it yet. */
  learned: z.number().optional(),
  /** What the hash on the row is: of the password that was proved, or of a new one. */
  staged: z.enum(['nothing', 'rehash', 'new']),
  candidates: z.number(),
});

const grace = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('running'), until: z.number() }),
  z.object({ kind: z.literal('over') }),
]);

/** The cookie of a trusted device, as of the moment the password was right. */
const device = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('none') }),
  z.object({ kind: z.literal('trusted'), id: z.string() }),
  z.object({ kind: z.literal('ignored'), reason: z.string() }),
]);

/** `left` undefined: none were ever made. `settled`: the person has seen to it. */
const backup = z.object({
  left: z.number().optional(),
  state: z.enum(['open', 'renewing', 'settled']),
});

/** Version 2 of what stands on the row. */
const facts = z.object({
  v: z.literal(2),
  proofs: z.array(proof),
  /** Second-factor methods the account has, as of its newest proof. */
  enrolled: z.array(z.string()),
  /** Undefined as long as no password was proved. */
  password: passwordFacts.optional(),
  grace,
  /** `Remind me later`. */
  postponed: z.boolean(),
  device,
  /** Whether the person wants this device remembered. */
  trust: z.boolean(),
  backup,
  wanted,
  /** Whether a trusted device is enough for the application that asks. */
  devicesCount: z.boolean(),
  /** Of a sign-in without pages: what its tokens are to be good for. */
  scopes: z.array(z.string()).optional(),
  /** Of a sign-in without pages: the keyed hash of the `device_token` that it began with. */
  knownDevice: z.string().optional(),
});

export type Facts = z.infer<typeof facts>;

export interface Flow {
  readonly row: FlowRow;
  readonly facts: Facts;
}

/** Binds what a factor offers to this sign-in, of one generation of the account. */
export function flowContextOf({ row }: Flow): string {
  return `flow ${row.id} ${row.generation ?? 0}`;
}

export type FoundFlow =
  | { readonly kind: 'open'; readonly flow: Flow }
  | { readonly kind: 'ended' }
  | { readonly kind: 'expired' };

/** What a flow needs to know of the authorization request it serves. */
export interface FlowSubject {
  readonly key: string;
  readonly clientId: string;
  readonly wantedAcr: Facts['wanted'];
  readonly devicesCount: boolean;
  readonly scopes?: readonly string[];
  readonly knownDevice?: string | undefined;
  /** What the session of this browser has proved, where only something else is missing. */
  readonly findProvedSession?: () => Promise<ProvedSession | undefined>;
}

/** The first factor of a session that still stands. */
export interface ProvedSession {
  readonly accountId: string;
  readonly generation: number;
  readonly enrolled: readonly string[];
  readonly backupLeft: number | undefined;
  /** Milliseconds. */
  readonly provedAt: number;
}

export interface Flows {
  /** The flow of an interaction; opens one where there has been none. */
  findOrOpen(subject: FlowSubject): Promise<FoundFlow>;
  /** Undefined where there has been none. */
  find(key: string): Promise<FoundFlow | undefined>;
  open(subject: FlowSubject): Promise<Flow>;
  /** One that is written with its first proof, and never without. */
  prepare(subject: FlowSubject): Promise<Flow>;
  /** A fresh flow in the same interaction: `Start again`, `Use a different account`. */
  reopen(subject: FlowSubject): Promise<Flow>;
  /** The newest row of an interaction, also when it is over. */
  findRow(interactionKey: string): Promise<FlowRow | undefined>;
  /** Which client an interaction was for, also when it is gone. */
  clientOf(interactionKey: string): Promise<string | undefined>;
  /** Whether something has been proved in it since it was read, also if it is over. */
  hasProvedMore(flow: Flow): Promise<boolean>;
  /** Must hit, as do all that follow: the flow stands as it was read. */
  record(flow: Flow, proved: Proved): Statement;
  postpone(flow: Flow): Statement;
  /** What became of the backup codes. */
  markBackup(flow: Flow, state: Facts['backup']['state']): Statement;
  /** Counts another new password; undefined when the flow has moved on meanwhile. */
  countCandidate(flow: Flow): Promise<Flow | undefined>;
  /** Must hit: the hash of a new password waits for the end. */
  stage(flow: Flow, hash: string, policyVersion: number): Statement;
  /** Must hit: ends the flow. */
  end(flow: Flow): Statement;
  /** Ends whatever is open in an interaction. */
  abandon(interactionKey: string): Statement;
  /** Remembers that an interaction which asked for no proof was answered. */
  finished(subject: Pick<FlowSubject, 'key' | 'clientId'>, accountId: string): Statement;
}

export interface Proved {
  readonly proof: Proof;
  readonly accountId: string;
  readonly generation: number;
  readonly enrolled: readonly string[];
  readonly finding?: PasswordFinding | undefined;
  readonly backupLeft: number | undefined;
  /** Of the first proof. */
  readonly grace?: Facts['grace'];
  readonly device?: Facts['device'];
  /** Of a second factor: this device is to be remembered. */
  readonly trust?: boolean;
}

interface FlowNeeds {
  readonly store: Store;
  readonly flowTable: FlowTable;
  /** Seconds a flow lives. */
  readonly ttl: number;
}

/** The revision of a row that is not in the store yet. */
const UNWRITTEN = 0;

export function createFlows({ store, flowTable, ttl }: FlowNeeds): Flows {
  const prepare = async (subject: FlowSubject): Promise<Flow> => {
    const at = now();
    const known = await subject.findProvedSession?.();
    const first = firstFacts(subject, known);
    const row: FlowRow = {
      id: randomId(),
      interactionKey: subject.key,
      clientId: subject.clientId,
      accountId: known?.accountId,
      generation: known?.generation,
      facts: JSON.stringify(first),
      stagedHash: undefined,
      revision: UNWRITTEN,
      endedAt: undefined,
      expiresAt: at + ttl * 1000,
      createdAt: at,
    };
    noteFlow(row);
    return { row, facts: first };
  };

  const open = async (subject: FlowSubject): Promise<Flow> => {
    const { row, facts } = await prepare(subject);
    const written = { ...row, revision: UNWRITTEN + 1 };
    await store.write(flowTable.forgetEmpty(subject.key), flowTable.insert(written));
    return { row: written, facts };
  };

  const reopen = async (subject: FlowSubject): Promise<Flow> => {
    const before = await flowTable.findNewest(subject.key);
    // What was proved in the old one is void from here on, in every tab.
    if (before?.accountId !== undefined && before.endedAt === undefined) {
      await store.commit([flowTable.endAll(subject.key, now())]);
    }
    // Whoever starts again may be somebody else.
    const { findProvedSession: _, ...anybody } = subject;
    return open(anybody);
  };

  const change = ({ row, facts: was }: Flow, next: Partial<Facts>) =>
    flowTable.update(row, { facts: JSON.stringify({ ...was, ...next }) });

  const find = async (key: string): Promise<FoundFlow | undefined> => {
    const row = await flowTable.findNewest(key);
    if (!row) return undefined;
    noteFlow(row);
    return readRow(row);
  };

  return {
    find,
    open,
    prepare,
    findOrOpen: async (subject) =>
      (await find(subject.key)) ?? { kind: 'open', flow: await open(subject) },
    reopen,
    findRow: flowTable.findNewest,
    clientOf: async (key) => (await flowTable.findNewest(key))?.clientId,
    hasProvedMore: async ({ row, facts: was }) => {
      const newest = await flowTable.findNewest(row.interactionKey);
      const read = newest?.id === row.id ? parseFacts(newest) : undefined;
      return read !== undefined && read.proofs.length > was.proofs.length;
    },
    record: ({ row, facts }, proved) => {
      const change = withProof(facts, proved);
      if (row.revision === UNWRITTEN) return flowTable.insert(changed(row, change));
      return flowTable.update(row, change);
    },
    postpone: (flow) => change(flow, { postponed: true }),
    markBackup: (flow, state) => change(flow, { backup: { ...flow.facts.backup, state } }),
    countCandidate: async ({ row, facts: was }) => {
      const candidates = (was.password?.candidates ?? 0) + 1;
      const next = withPassword(was, { candidates });
      const change = { facts: JSON.stringify(next) };
      const { kind } = await store.commit([flowTable.update(row, change)]);
      return kind === 'committed' ? { row: changed(row, change), facts: next } : undefined;
    },
    stage: ({ row, facts: was }, hash, learned) => {
      const next = withPassword(was, { staged: 'new', learned });
      return flowTable.update(row, { facts: JSON.stringify(next), stagedHash: hash });
    },
    end: ({ row }) => flowTable.update(row, { endedAt: now() }),
    abandon: (key) => flowTable.endAll(key, now()),
    finished: ({ key, clientId }, accountId) => {
      const at = now();
      return flowTable.insert({
        id: randomId(),
        interactionKey: key,
        clientId,
        accountId,
        generation: undefined,
        facts: '{}',
        stagedHash: undefined,
        revision: UNWRITTEN + 1,
        endedAt: at,
        expiresAt: at + ttl * 1000,
        createdAt: at,
      });
    },
  };
}

function readRow({ isVoid, ...row }: FoundFlowRow): FoundFlow {
  if (row.endedAt !== undefined) return { kind: 'ended' };
  // Nothing that it could still ask for would bring it to its end.
  if (row.expiresAt <= now() || isVoid) return { kind: 'expired' };
  const read = parseFacts(row);
  return read ? { kind: 'open', flow: { row, facts: read } } : { kind: 'expired' };
}

/** Undefined for what an older version has written, and for a row that is damaged. */
function parseFacts(row: FlowRow): Facts | undefined {
  try {
    return facts.safeParse(JSON.parse(row.facts)).data;
  } catch {
    return undefined;
  }
}

/** What is recorded from here on belongs to this sign-in, and to whom it has shown to be. */
function noteFlow({ id, accountId }: FlowRow): void {
  noteInRequest({ flowId: id, actor: accountId });
}

function firstFacts(
  { wantedAcr, devicesCount, scopes, knownDevice }: FlowSubject,
  known: ProvedSession | undefined,
): Facts {
  return {
    v: 2,
    proofs: known ? [passwordProof(known.provedAt)] : [],
    enrolled: [...(known?.enrolled ?? [])],
    grace: { kind: 'none' },
    postponed: false,
    device: { kind: 'none' },
    trust: false,
    backup: { left: known?.backupLeft, state: 'open' },
    wanted: wantedAcr,
    devicesCount,
    ...(scopes ? { scopes: [...scopes] } : {}),
    ...(knownDevice === undefined ? {} : { knownDevice }),
  };
}

function passwordProof(at: number): Facts['proofs'][number] {
  return { method: 'password', factor: 'knowledge', amr: ['pwd'], at };
}

function withPassword(was: Facts, change: Partial<NonNullable<Facts['password']>>): Facts {
  const none = { unmet: false, staged: 'nothing' as const, candidates: 0 };
  return { ...was, password: { ...none, ...was.password, ...change } };
}

function withProof(was: Facts, proved: Proved): FlowChange {
  const { accountId, generation, finding } = proved;
  const staged = finding?.rehash === undefined ? {} : { stagedHash: finding.rehash };
  return { accountId, generation, facts: JSON.stringify(factsWith(was, proved)), ...staged };
}

/** The facts once this proof stands among them. */
export function factsWith(
  was: Facts,
  { proof: added, enrolled, finding, ...found }: Proved,
): Facts {
  return {
    ...(finding ? withPassword(was, learnedFrom(finding)) : was),
    proofs: [...was.proofs, { ...added, amr: [...added.amr] }],
    enrolled: [...enrolled],
    grace: found.grace ?? was.grace,
    device: found.device ?? was.device,
    trust: found.trust ?? was.trust,
    backup: { left: found.backupLeft, state: was.backup.state },
  };
}

function learnedFrom({ unmet, learned, rehash }: PasswordFinding) {
  const staged = rehash === undefined ? ('nothing' as const) : ('rehash' as const);
  return { unmet, staged, ...(learned === undefined ? {} : { learned }) };
}
