// Every fact the steps need to know of a sign-in, as it stands on the flow's row.
import { z } from 'zod';
import { ACR_VALUES, type Proof } from '../domain/sessions/assurance.ts';
import type { PasswordFinding } from '../factors/factor.ts';
import type { FlowRow } from '../store/flows.ts';

const proof = z.object({
  method: z.string(),
  factor: z.enum(['knowledge', 'possession', 'both']),
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
  readonly codesLeft: number | undefined;
  /** Milliseconds. */
  readonly provedAt: number;
}

export interface Proved {
  readonly proof: Proof;
  readonly accountId: string;
  readonly generation: number;
  readonly enrolled: readonly string[];
  readonly finding?: PasswordFinding | undefined;
  readonly codesLeft: number | undefined;
  /** Of the first proof. */
  readonly grace?: Facts['grace'];
  readonly device?: Facts['device'];
  /** Of a second factor: this device is to be remembered. */
  readonly trust?: boolean;
}

/** Undefined for what an older version has written, and for a row that is damaged. */
export function parseFacts(row: FlowRow): Facts | undefined {
  try {
    return facts.safeParse(JSON.parse(row.facts)).data;
  } catch {
    return undefined;
  }
}

export function firstFacts(
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
    backup: { left: known?.codesLeft, state: 'open' },
    wanted: wantedAcr,
    devicesCount,
    ...(scopes ? { scopes: [...scopes] } : {}),
    ...(knownDevice === undefined ? {} : { knownDevice }),
  };
}

function passwordProof(at: number): Facts['proofs'][number] {
  return { method: 'password', factor: 'knowledge', amr: ['pwd'], at };
}

export function withPassword(was: Facts, change: Partial<NonNullable<Facts['password']>>): Facts {
  const none = { unmet: false, staged: 'nothing' as const, candidates: 0 };
  return { ...was, password: { ...none, ...was.password, ...change } };
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
    backup: { left: found.codesLeft, state: was.backup.state },
  };
}

function learnedFrom({ unmet, learned, rehash }: PasswordFinding) {
  const staged = rehash === undefined ? ('nothing' as const) : ('rehash' as const);
  return { unmet, staged, ...(learned === undefined ? {} : { learned }) };
}
