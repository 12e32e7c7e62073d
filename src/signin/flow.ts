// A half-done sign-in: every fact the steps need, on one row of ours, for fifteen minutes.
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
import {
  type Facts,
  type FlowSubject,
  factsWith,
  firstFacts,
  type Proved,
  parseFacts,
  withPassword,
} from './facts.ts';

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
  markRecovery(flow: Flow, state: Facts['backup']['state']): Statement;
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
    markRecovery: (flow, state) => change(flow, { backup: { ...flow.facts.backup, state } }),
    countCandidate: async ({ row, facts: was }) => {
      const candidates = (was.password?.candidates ?? 0) + 1;
      const next = withPassword(was, { candidates });
      const change = { facts: JSON.stringify(next) };
      const isDone = await store.tryCommit([flowTable.update(row, change)]);
      return isDone ? { row: changed(row, change), facts: next } : undefined;
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

/** What is recorded from here on belongs to this sign-in, and to whom it has shown to be. */
function noteFlow({ id, accountId }: FlowRow): void {
  noteInRequest({ flowId: id, actor: accountId });
}

function withProof(was: Facts, proved: Proved): FlowChange {
  const { accountId, generation, finding } = proved;
  const staged = finding?.rehash === undefined ? {} : { stagedHash: finding.rehash };
  return { accountId, generation, facts: JSON.stringify(factsWith(was, proved)), ...staged };
}
