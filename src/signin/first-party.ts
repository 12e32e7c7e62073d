// A sign-in without pages: an application of ours asks in a person's place, by the same steps.
import type { Limited } from '../domain/limits/attempt.ts';
import type { Factor } from '../factors/index.ts';
import type { AccountTable } from '../store/accounts.ts';
import type { Store } from '../store/store.ts';
import type { Finish, SignInTarget } from './finish.ts';
import { type Flow, type Flows, flowContextOf } from './flow.ts';
import { isOffered } from './offered.ts';
import type { Malformed, NotAllowed, Prove, ProveOutcome } from './prove.ts';
import { dueStep, type Step } from './steps/index.ts';

export interface CredentialInput {
  readonly factor: Factor;
  readonly input: unknown;
}

export type Wrong = Limited | Extract<ProveOutcome, { kind: 'refused' }>;

export type FirstPartyOutcome =
  | { readonly kind: 'signed-in'; readonly deviceToken: string }
  /** What only a page can do, or another credential. */
  | {
      readonly kind: 'due';
      readonly step: Step;
      /** Second factors that this sign-in may be proved with. */
      readonly offered: readonly OfferedFactor[];
    }
  | { readonly kind: 'wrong'; readonly factor: Factor; readonly outcome: Wrong }
  | { readonly kind: 'malformed'; readonly factor: Factor; readonly outcome: Malformed }
  | NotAllowed
  /** More is asked for than anybody can prove. */
  | { readonly kind: 'unreachable' }
  /** There is no such sign-in, or not any more. */
  | { readonly kind: 'gone' };

export interface OfferedFactor {
  readonly factor: Factor;
  /** What the person or a script needs to answer, as the page of the factor gets it. */
  readonly challenge: Readonly<Record<string, unknown>> | undefined;
}

export interface FirstPartyNeeds {
  readonly factors: readonly Factor[];
  readonly accountTable: Pick<AccountTable, 'find'>;
  readonly store: Store;
  readonly flows: Flows;
  readonly prove: Prove;
  readonly finish: Finish;
}

/**
 * @param key of a flow that is open; credentials that no step asks for are not looked at
 * @param prepared the flow itself, before anything is proved in it
 */
export type SignInFirstParty = (
  key: string,
  credentials: readonly CredentialInput[],
  target: SignInTarget,
  prepared?: Flow,
) => Promise<FirstPartyOutcome>;

const GONE: FirstPartyOutcome = { kind: 'gone' };

/** Throws what `prove` throws. */
export function createSignInFirstParty(needs: FirstPartyNeeds): SignInFirstParty {
  return async (key, credentials, target, prepared) => {
    for (const [index, credential] of credentials.entries()) {
      const flow = (index === 0 && prepared) || (await findOpen(key, needs));
      if (!flow) return GONE;
      const outcome = await needs.prove(flow, { ...credential, requester: target.requester });
      const isWrong = outcome.kind === 'refused' || outcome.kind === 'limited';
      if (isWrong) return { kind: 'wrong', factor: credential.factor, outcome };
      if (outcome.kind === 'malformed') {
        return { kind: 'malformed', factor: credential.factor, outcome };
      }
      if (outcome.kind === 'not-allowed') return outcome;
    }
    return proceed(key, target, needs);
  };
}

async function findOpen(key: string, { flows }: FirstPartyNeeds): Promise<Flow | undefined> {
  const found = await flows.find(key);
  return found?.kind === 'open' ? found.flow : undefined;
}

async function proceed(
  key: string,
  target: SignInTarget,
  needs: FirstPartyNeeds,
): Promise<FirstPartyOutcome> {
  const flow = await findOpen(key, needs);
  if (!flow) return GONE;
  const step = dueStep(flow.facts);
  if (!step) return end(flow, target, needs);
  const later = step.skip?.(flow, needs.flows);
  if (!later) return { kind: 'due', step, offered: await offeredIn(flow, step, needs) };
  const isDone = await needs.store.tryCommit([later]);
  return isDone ? proceed(key, target, needs) : GONE;
}

async function offeredIn(
  flow: Flow,
  step: Step,
  { factors, accountTable }: FirstPartyNeeds,
): Promise<readonly OfferedFactor[]> {
  const open = factors.filter(
    (factor) => factor.step === step.name && factor.member && isOffered(flow.facts, factor),
  );
  const account = await accountTable.find(flow.row.accountId ?? '');
  return Promise.all(
    open.map(async (factor) => ({
      factor,
      challenge: account && (await factor.challenge?.offer(account, flowContextOf(flow))),
    })),
  );
}

async function end(
  flow: Flow,
  target: SignInTarget,
  { finish }: FirstPartyNeeds,
): Promise<FirstPartyOutcome> {
  const outcome = await finish(flow, target);
  if (outcome.kind === 'not-allowed') return outcome;
  if (outcome.kind !== 'finished') return GONE;
  if (!outcome.cookies) return { kind: 'unreachable' };
  return { kind: 'signed-in', deviceToken: outcome.cookies.browser };
}
