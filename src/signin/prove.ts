// The one place where a credential is looked at: no door has another.
import type { Proof } from '../domain/assurance.ts';
import { now } from '../lib/clock.ts';
import { isGatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Method } from '../methods/index.ts';
import type { Verdict } from '../methods/method.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { Flow, FlowsDomain } from './flow.ts';
import { dueStep } from './steps/index.ts';

export type ProveOutcome =
  | { readonly kind: 'proved' }
  | { readonly kind: 'refused' }
  /** Another step is due, or the flow has moved on meanwhile. */
  | { readonly kind: 'not-due' };

export interface ProveNeeds {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly flows: FlowsDomain;
  readonly methods: readonly Method[];
  readonly log: Log;
}

export type Prove = (flow: Flow, method: Method, input: unknown) => Promise<ProveOutcome>;

/** Throws `busy` when too many passwords are being hashed. */
export function createProve(needs: ProveNeeds): Prove {
  return async (flow, method, input) => {
    if (dueStep(flow.facts)?.name !== method.step) return { kind: 'not-due' };
    const account = await accountOf(flow, needs.accounts);
    const at = now();
    const verdict = await judge(method, { account, input, at }, needs.log);
    if (verdict.kind === 'refused') {
      needs.log.info({ method: method.name, reason: verdict.reason }, 'credential refused');
      return { kind: 'refused' };
    }
    return recordProof(flow, method, verdict, at, needs);
  };
}

async function accountOf({ row }: Flow, accounts: Accounts): Promise<Account | undefined> {
  return row.accountId === undefined ? undefined : accounts.find(row.accountId);
}

/** An exception in a verifier is a refusal: never a pass, and no 500 that tells it apart. */
async function judge(
  method: Method,
  attempt: Parameters<Method['verify']>[0],
  log: Log,
): Promise<Verdict> {
  try {
    return await method.verify(attempt);
  } catch (error) {
    if (isGatehouseError(error, 'busy') || isGatehouseError(error, 'store_unavailable')) {
      throw error;
    }
    log.error({ err: error, method: method.name }, 'a verifier failed');
    return { kind: 'refused', reason: 'verifier failed' };
  }
}

async function recordProof(
  flow: Flow,
  method: Method,
  verdict: Verdict & { kind: 'proved' },
  at: number,
  { store, flows, methods }: ProveNeeds,
): Promise<ProveOutcome> {
  const { account, spend } = verdict;
  const proof: Proof = { method: method.name, factor: method.factor, amr: method.amr, at };
  const proved = {
    proof,
    accountId: account.id,
    // Read when the password was proved and never again: what changes meanwhile voids the flow.
    generation: flow.row.generation ?? account.generation,
    enrolled: await enrolledMethods(methods, account.id),
    finding: verdict.finding,
  };
  const outcome = await store.commit([...spend, flows.record(flow, proved)]);
  return { kind: outcome.kind === 'committed' ? 'proved' : 'not-due' };
}

async function enrolledMethods(methods: readonly Method[], accountId: string): Promise<string[]> {
  const factors = methods.filter((method) => method.step === 'second-factor');
  const enrolled = await Promise.all(factors.map((method) => method.isEnrolled(accountId)));
  return factors.filter((_, index) => enrolled[index]).map((method) => method.name);
}
