// A half-done sign-in: every fact the steps need, on one row of ours, for fifteen minutes.
import { z } from 'zod';
import { ACR_VALUES, type Proof } from '../domain/assurance.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import type { PasswordFinding } from '../methods/method.ts';
import { changed, type FlowChange, type FlowRow, type Flows } from '../store/flows.ts';
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

/** Version 1 of what stands on the row. */
const facts = z.object({
  v: z.literal(1),
  proofs: z.array(proof),
  /** Second-factor methods the account has, as of the moment its password was right. */
  enrolled: z.array(z.string()),
  /** Undefined as long as no password was proved. */
  password: passwordFacts.optional(),
  wanted,
});

export type Facts = z.infer<typeof facts>;

export interface Flow {
  readonly row: FlowRow;
  readonly facts: Facts;
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
}

export interface FlowsDomain {
  /** The flow of an interaction; opens one where there has been none. */
  findOrOpen(subject: FlowSubject): Promise<FoundFlow>;
  /** A fresh flow in the same interaction: `Start again`, `Use a different account`. */
  reopen(subject: FlowSubject): Promise<Flow>;
  /** Which client an interaction was for, also when it is gone. */
  clientOf(interactionKey: string): Promise<string | undefined>;
  /** Must hit: the flow stands as it was read. */
  record(flow: Flow, proved: Proved): Statement;
  /** Counts another new password; undefined when the flow has moved on meanwhile. */
  countCandidate(flow: Flow): Promise<Flow | undefined>;
  /** Must hit: the hash of a new password waits for the end. */
  stage(flow: Flow, hash: string, policyVersion: number): Statement;
  /** Must hit: ends the flow. */
  end(flow: Flow): Statement;
  /** Ends whatever is open in an interaction. */
  abandon(interactionKey: string): Statement;
}

export interface Proved {
  readonly proof: Proof;
  readonly accountId: string;
  readonly generation: number;
  readonly enrolled: readonly string[];
  readonly finding?: PasswordFinding | undefined;
}

interface FlowNeeds {
  readonly store: Store;
  readonly flows: Flows;
  /** Seconds a flow lives. */
  readonly ttl: number;
}

export function createFlowsDomain({ store, flows, ttl }: FlowNeeds): FlowsDomain {
  const open = async ({ key, clientId, wantedAcr }: FlowSubject): Promise<Flow> => {
    const at = now();
    const empty: Facts = { v: 1, proofs: [], enrolled: [], wanted: wantedAcr };
    const row: FlowRow = {
      id: randomId(),
      interactionKey: key,
      clientId,
      accountId: undefined,
      generation: undefined,
      facts: JSON.stringify(empty),
      stagedHash: undefined,
      revision: 1,
      endedAt: undefined,
      expiresAt: at + ttl * 1000,
      createdAt: at,
    };
    await store.write(flows.insert(row));
    return { row, facts: empty };
  };

  const reopen = async (subject: FlowSubject): Promise<Flow> => {
    const before = await flows.findNewest(subject.key);
    // What was proved in the old one is void from here on, in every tab.
    if (before && before.endedAt === undefined) {
      await store.commit([flows.endAll(subject.key, now())]);
    }
    return open(subject);
  };

  return {
    findOrOpen: async (subject) => {
      const row = await flows.findNewest(subject.key);
      if (!row) return { kind: 'open', flow: await open(subject) };
      if (row.endedAt !== undefined) return { kind: 'ended' };
      if (row.expiresAt <= now()) return { kind: 'expired' };
      return { kind: 'open', flow: { row, facts: facts.parse(JSON.parse(row.facts)) } };
    },
    reopen,
    clientOf: async (key) => (await flows.findNewest(key))?.clientId,
    record: (flow, proved) => flows.update(flow.row, withProof(flow.facts, proved)),
    countCandidate: async ({ row, facts: was }) => {
      const candidates = (was.password?.candidates ?? 0) + 1;
      const next = withPassword(was, { candidates });
      const change = { facts: JSON.stringify(next) };
      const { kind } = await store.commit([flows.update(row, change)]);
      return kind === 'committed' ? { row: changed(row, change), facts: next } : undefined;
    },
    stage: ({ row, facts: was }, hash, learned) => {
      const next = withPassword(was, { staged: 'new', learned });
      return flows.update(row, { facts: JSON.stringify(next), stagedHash: hash });
    },
    end: ({ row }) => flows.update(row, { endedAt: now() }),
    abandon: (key) => flows.endAll(key, now()),
  };
}

function withPassword(was: Facts, change: Partial<NonNullable<Facts['password']>>): Facts {
  const none = { unmet: false, staged: 'nothing' as const, candidates: 0 };
  return { ...was, password: { ...none, ...was.password, ...change } };
}

function withProof(
  was: Facts,
  { proof: added, accountId, generation, enrolled, finding }: Proved,
): FlowChange {
  const next: Facts = {
    ...(finding ? withPassword(was, learnedFrom(finding)) : was),
    proofs: [...was.proofs, { ...added, amr: [...added.amr] }],
    enrolled: [...enrolled],
  };
  const staged = finding?.rehash === undefined ? {} : { stagedHash: finding.rehash };
  return { accountId, generation, facts: JSON.stringify(next), ...staged };
}

function learnedFrom({ unmet, learned, rehash }: PasswordFinding) {
  const staged = rehash === undefined ? ('nothing' as const) : ('rehash' as const);
  return { unmet, staged, ...(learned === undefined ? {} : { learned }) };
}
