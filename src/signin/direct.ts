// A sign-in without pages: an application of ours asks in a person's place, by the same steps.
import type { Limited } from '../domain/limits/attempt.ts';
import type { Method } from '../methods/index.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { Door, Finish } from './finish.ts';
import type { Flow, FlowsDomain } from './flow.ts';
import type { Malformed, NotAllowed, Prove, ProveOutcome } from './prove.ts';
import { isMoreWanted } from './steps/enrol-factor.ts';
import { dueStep, type Step } from './steps/index.ts';

export interface Credential {
  readonly method: Method;
  readonly input: unknown;
}

export type Wrong = Limited | Extract<ProveOutcome, { kind: 'refused' }>;

export type DirectOutcome =
  | { readonly kind: 'signed-in'; readonly deviceToken: string }
  /** What only a page can do, or another credential. */
  | { readonly kind: 'due'; readonly step: Step['name']; readonly enrolled: readonly string[] }
  | { readonly kind: 'wrong'; readonly method: Method; readonly outcome: Wrong }
  | { readonly kind: 'malformed'; readonly method: Method; readonly outcome: Malformed }
  | NotAllowed
  /** More is asked for than anybody can prove. */
  | { readonly kind: 'unreachable' }
  /** There is no such sign-in, or not any more. */
  | { readonly kind: 'gone' };

export interface DirectNeeds {
  readonly store: Store;
  readonly flows: FlowsDomain;
  readonly prove: Prove;
  readonly finish: Finish;
}

/**
 * @param key of a flow that is open; credentials that no step asks for are not looked at
 * @param prepared the flow itself, before anything is proved in it
 */
export type SignInDirectly = (
  key: string,
  credentials: readonly Credential[],
  door: Door,
  prepared?: Flow,
) => Promise<DirectOutcome>;

const GONE: DirectOutcome = { kind: 'gone' };

/** Throws what `prove` throws. */
export function createSignInDirectly(needs: DirectNeeds): SignInDirectly {
  return async (key, credentials, door, prepared) => {
    for (const [index, credential] of credentials.entries()) {
      const flow = (index === 0 && prepared) || (await findOpen(key, needs));
      if (!flow) return GONE;
      const outcome = await needs.prove(flow, { ...credential, visitor: door.visitor });
      const isWrong = outcome.kind === 'refused' || outcome.kind === 'limited';
      if (isWrong) return { kind: 'wrong', method: credential.method, outcome };
      if (outcome.kind === 'malformed') {
        return { kind: 'malformed', method: credential.method, outcome };
      }
      if (outcome.kind === 'not-allowed') return outcome;
    }
    return goOn(key, door, needs);
  };
}

async function findOpen(key: string, { flows }: DirectNeeds): Promise<Flow | undefined> {
  const found = await flows.find(key);
  return found?.kind === 'open' ? found.flow : undefined;
}

async function goOn(key: string, door: Door, needs: DirectNeeds): Promise<DirectOutcome> {
  const flow = await findOpen(key, needs);
  if (!flow) return GONE;
  const step = dueStep(flow.facts);
  if (!step) return end(flow, door, needs);
  const later = putOff(flow, step, needs.flows);
  if (!later) return { kind: 'due', step: step.name, enrolled: flow.facts.enrolled };
  const { kind } = await needs.store.commit([later]);
  return kind === 'committed' ? goOn(key, door, needs) : GONE;
}

/** What a page would only offer waits for the next sign-in that has pages. */
function putOff(flow: Flow, { name }: Step, flows: FlowsDomain): Statement | undefined {
  if (name === 'backup-codes') return flows.markBackup(flow, 'settled');
  const isOffer = flow.facts.grace.kind === 'running' && !isMoreWanted(flow.facts);
  return name === 'enrol-factor' && isOffer ? flows.postpone(flow) : undefined;
}

async function end(flow: Flow, door: Door, { finish }: DirectNeeds): Promise<DirectOutcome> {
  const outcome = await finish(flow, door);
  if (outcome.kind === 'not-allowed') return outcome;
  if (outcome.kind !== 'finished') return GONE;
  if (!outcome.cookies) return { kind: 'unreachable' };
  return { kind: 'signed-in', deviceToken: outcome.cookies.browser };
}
