// What must hold of each person, as far as anybody can know it.
import { setTimeout as sleep } from 'node:timers/promises';
import { createEnrolledPerson } from '../../test/support/enrolled-person.ts';
import { createExistingPerson } from '../../test/support/existing-person.ts';
import type { Bench } from '../experiment.ts';
import type { Person } from '../people.ts';
import type { Site } from '../site.ts';

export interface Family {
  /** The newest token, as far as we know. */
  token: string;
  /** Tokens that were replaced. */
  readonly spent: string[];
  /** The first token, after which the family is named. */
  readonly name: string;
}

export interface Citizen extends Person {
  /** Of the authenticator, where there is one. */
  readonly secret: string | undefined;
  /** More than one where an answer was lost; the last one is the newest. */
  passwords: string[];
  /** Passwords that no longer work. */
  readonly former: string[];
  families: Family[];
  /** Undefined where an answer was lost. */
  isSuspended: boolean | undefined;
  step: number;
}

export interface World {
  readonly bench: Bench;
  readonly site: Site;
  readonly citizens: readonly Citizen[];
  readonly at: { readonly journal: Bench['journal']; readonly site: Site };
  readonly counts: Record<string, number>;
  isOver: boolean;
}

const PEOPLE = 16;
/** Each with an authenticator costs an enrolment through the pages. */
const WITH_AUTHENTICATOR = 6;

export async function populate(bench: Bench, site: Site): Promise<World> {
  const citizens: Citizen[] = [];
  for (let index = 0; index < PEOPLE; index += 1) {
    const person =
      index < WITH_AUTHENTICATOR
        ? await createEnrolledPerson(site, site.party)
        : { ...(await createExistingPerson(site)), secret: undefined };
    citizens.push({
      ...{ id: person.id, email: person.email, password: person.password, secret: person.secret },
      ...{ address: `10.9.${index}.7`, passwords: [person.password], former: [], families: [] },
      ...{ isSuspended: false, step: 0 },
    });
  }
  const at = { journal: bench.journal, site };
  return { bench, site, citizens, at, counts: {}, isOver: false };
}

export function note({ counts }: World, act: string): void {
  counts[act] = (counts[act] ?? 0) + 1;
}

/** Moves the clock until this person has a code that nobody has used. */
export async function freshStep({ site }: World, citizen: Citizen): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    const step = Math.floor(Date.now() / 30_000);
    if (step > citizen.step) {
      citizen.step = step;
      return;
    }
    await site.advance('30s').catch(() => sleep(200));
  }
}

/** The nodes that have not been killed. */
export function alive(site: Site): number[] {
  return site.nodes.flatMap(({ process }, index) => (process.exit() ? [] : [index]));
}

export function anyNode({ bench, site }: World): number {
  const running = alive(site);
  return running.length === 0 ? 0 : bench.random.pick(running);
}
