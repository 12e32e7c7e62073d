// Chains of refresh tokens that go on while something else happens.
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../src/lib/clock.ts';
import type { Bench } from './experiment.ts';
import type { Sample } from './measure.ts';
import { createPerson, type Person, refresh, signIn } from './people.ts';
import type { Site } from './site.ts';

export interface Chain {
  readonly person: Person;
  token: string;
  family: string;
}

type With = { readonly journal: Bench['journal']; readonly site: Site };

export async function startChain(at: With, node = 0): Promise<Chain> {
  const person = await createPerson(at.site);
  const { token, answer } = await signIn(at, person, node);
  if (!token) throw new Error(`no sign-in: ${JSON.stringify(answer?.body)}`);
  return { person, token, family: token };
}

export async function startChains(at: With, count: number): Promise<Chain[]> {
  const chains: Chain[] = [];
  for (let index = 0; index < count; index += 1) chains.push(await startChain(at, index));
  return chains;
}

/** A lost answer is asked for again with the same token; a chain that has ended begins anew. */
export async function step(at: With, chain: Chain, node: number): Promise<Sample> {
  const from = machineTime();
  const { outcome, token, answer } = await refresh(
    at,
    chain.person,
    chain.token,
    node,
    chain.family,
  );
  const ms = machineTime() - from;
  if (token) chain.token = token;
  if (outcome === 'refused') await renew(at, chain, node);
  return { at: from, ms, status: answer?.status ?? 0 };
}

async function renew(at: With, chain: Chain, node: number): Promise<void> {
  const { token } = await signIn(at, chain.person, node);
  if (token) Object.assign(chain, { token, family: token });
}

export interface Traffic {
  readonly samples: readonly Sample[];
  stop(): Promise<void>;
}

/** Each chain asks the nodes in turn, one request at a time. */
export function goOn(at: With, chains: readonly Chain[], pause = 10): Traffic {
  const samples: Sample[] = [];
  let isOver = false;
  const all = Promise.all(
    chains.map(async (chain, index) => {
      for (let turn = index; !isOver; turn += 1) {
        samples.push(await step(at, chain, turn));
        await sleep(pause);
      }
    }),
  );
  return {
    samples,
    stop: async () => {
      isOver = true;
      await all;
    },
  };
}

/** p99 and statuses of what was asked between two moments. */
export function between(samples: readonly Sample[], from: number, until: number): Sample[] {
  return samples.filter(({ at }) => at >= from && at < until);
}

export function share(samples: readonly Sample[], status: number): number {
  return samples.filter((each) => each.status === status).length;
}
