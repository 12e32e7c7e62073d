// Random people, doors, nodes, clocks and faults, against a model of what must hold.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { codeFor } from '../../test/support/authenticator-app.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { health, secondsUntil } from '../measure.ts';
import { actOnce } from '../model/acts.ts';
import { goWrong } from '../model/faults.ts';
import { activate, newPassword, operate } from '../model/operators.ts';
import { type Citizen, freshStep, populate, type World } from '../model/world.ts';
import { ownPostgres } from '../own-postgres.ts';
import { BELIEVING, signIn } from '../people.ts';

const WORKERS = 6;
const SKEW = 900;

export const model: Experiment = {
  name: 'model',
  title: 'random people, doors, nodes, clocks and faults (--minutes 60); only with --only model',
  stores: ['sqlite', 'postgres'],
  takes: '2 min',
  run: async (bench) => {
    const own = bench.store === 'postgres' ? await ownPostgres(bench) : undefined;
    const site = await bench.open({
      ...own,
      env: BELIEVING,
      // The second node's clock is a little wrong, all the time.
      own: [{}, skewed(SKEW)],
      config: { mfa: { required: true, grace_days: 90 }, store: { timeout: 3 } },
    });
    const world = await populate(bench, site);
    await letLive(world, bench, goWrong(world, own));
    await settle(world);
    for (const citizen of world.citizens) await expectKnown(world, citizen);
    return figuresOf(world);
  },
};

function skewed(milliseconds: number): Record<string, string> {
  const file = join(PROJECT_ROOT, 'faults/skew.ts');
  return { NODE_OPTIONS: `--import ${file}`, FAULTS_SKEW: String(milliseconds) };
}

async function letLive(world: World, bench: Bench, faults: Promise<void>): Promise<void> {
  const until = machineTime() + (bench.minutes ?? 2) * 60_000;
  const goOn = async (act: () => Promise<void>, pause: number) => {
    while (!world.isOver) {
      await act();
      await sleep(pause);
    }
  };
  const people = Array.from({ length: WORKERS }, (_, worker) => {
    const own = world.citizens.filter((_each, index) => index % WORKERS === worker);
    return goOn(() => actOnce(world, bench.random.pick(own)), 5);
  });
  const all = Promise.all([...people, goOn(() => operate(world), 400), faults]);
  const lookEvery = setInterval(() => bench.say(progress(bench, until)), 20_000);
  const late = setTimeout(() => {
    world.isOver = true;
  }, until - machineTime());
  try {
    await all;
  } finally {
    world.isOver = true;
    clearInterval(lookEvery);
    clearTimeout(late);
  }
}

function progress({ journal }: Bench, until: number): string {
  const left = Math.round((until - machineTime()) / 1000);
  return `${journal.entries.length} acts, ${journal.broken.length} broken so far, ${left} s left`;
}

/** The faults are over; nobody helps. */
async function settle({ site, bench }: World): Promise<void> {
  const seconds = await secondsUntil(async () => {
    const states = await Promise.all([health(site.at(0)), health(site.at(1))]);
    return states.every(({ status }) => status === 200);
  });
  if (seconds > 30)
    bench.journal.breaks(`invariant 10: not ready ${seconds} s after the last fault`);
  // Locks and windows of wrong passwords.
  await site.advance('2h');
}

/** Everybody can sign in at every node, with the password that we know and with no other. */
async function expectKnown(world: World, citizen: Citizen): Promise<void> {
  const { bench, site } = world;
  if (citizen.isSuspended === undefined) await activate(world, citizen);
  await newPasswordWhereUnknown(world, citizen);
  for (const node of [0, 1]) {
    if (citizen.secret) await freshStep(world, citizen);
    const more = citizen.secret ? { totp_code: codeFor(citizen.secret) } : {};
    const password = citizen.passwords.at(-1) ?? '';
    const { outcome, answer } = await signIn(world.at, citizen, node, { password, more });
    if ((outcome === 'done') === citizen.isSuspended) {
      const body = JSON.stringify(answer?.body);
      bench.journal.breaks(`invariant 4: ${citizen.email} is ${outcome} at node ${node}: ${body}`);
    }
    const former = citizen.former.at(-1);
    if (former) await signIn(world.at, citizen, 1 - node, { password: former, more });
  }
  const { status } = await site.core.accounts.get(citizen.email);
  if ((status === 'suspended') !== citizen.isSuspended) {
    bench.journal.breaks(`invariant 4: ${citizen.email} is ${status}`);
  }
}

/** Where the answer to the last change was lost. */
async function newPasswordWhereUnknown(world: World, citizen: Citizen): Promise<void> {
  const changes = world.bench.journal.entries.filter(
    ({ act, subject }) =>
      subject === citizen.email && (act === 'new-password' || act === 'reset-password'),
  );
  const last = changes.at(-1);
  if (!last || (last.act === 'new-password' && last.outcome === 'done')) return;
  if (citizen.isSuspended) await activate(world, citizen);
  await newPassword(world, citizen);
}

function figuresOf({ counts, bench }: World): Figures {
  const faults = Object.entries(counts).filter(([name]) => name.startsWith('fault'));
  const acted = Object.entries(counts).filter(([name]) => !name.startsWith('fault'));
  const text = (pairs: ReadonlyArray<readonly [string, number]>) =>
    pairs.map(([name, count]) => `${name.replace('fault: ', '')} ${count}`).join('; ');
  return { operations: bench.journal.entries.length, acts: text(acted), faults: text(faults) };
}
