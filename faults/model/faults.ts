// What goes wrong meanwhile: killed nodes, a database that hangs or is cut off, clocks that jump.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { runCommand } from '../../test/support/processes.ts';
import { type OwnPostgres, signal } from '../own-postgres.ts';
import { note, type World } from './world.ts';

type Fault = (world: World, own: OwnPostgres | undefined) => Promise<void>;

const kill: Fault = async ({ bench, site }) => {
  const victim = bench.random.below(2);
  await site.kill(victim);
  await sleep(bench.random.between(0, 3000));
  await site.start(victim);
};

const stopInOrder: Fault = async ({ bench, site }) => {
  const victim = bench.random.below(2);
  await site.terminate(victim);
  await site.start(victim);
};

const jump: Fault = async ({ bench, site }) => {
  await site.advance(`${bench.random.pick([1, 6, 31, 61, 901])}s`).catch(() => undefined);
};

const rotate: Fault = async ({ site }) => {
  // Refused while new keys wait; either is fine.
  await runCommand(['keys', 'rotate'], { database: site.database });
};

const lock: Fault = async ({ bench, site }) => {
  const other = new Database(join(site.database.dataDir, 'gatehouse.sqlite'), { timeout: 5000 });
  try {
    other.exec('begin immediate');
    await sleep(bench.random.between(300, 4000));
    other.exec('rollback');
  } finally {
    other.close();
  }
};

const silence: Fault = async ({ bench }, own) => {
  own?.proxy.freeze();
  await sleep(bench.random.between(500, 8000));
  own?.proxy.thaw();
};

const cut: Fault = async (_, own) => own?.proxy.cut();

const stop: Fault = async ({ bench }, own) => {
  if (!own) return;
  signal(own.server, 'SIGSTOP');
  await sleep(bench.random.between(500, 5000));
  signal(own.server, 'SIGCONT');
};

const restart: Fault = async ({ bench }, own) =>
  own?.server.restart(bench.random.pick(['fast', 'immediate']));

const ANY = { kill, 'stop in order': stopInOrder, jump, rotate };
const OF_STORE: Readonly<Record<string, Readonly<Record<string, Fault>>>> = {
  sqlite: { ...ANY, lock },
  postgres: { ...ANY, silence, cut, stop, restart },
};

/** One after the other, with quiet between them. */
export async function goWrong(world: World, own: OwnPostgres | undefined): Promise<void> {
  const { bench } = world;
  const faults = Object.entries(OF_STORE[bench.store] ?? {});
  while (!world.isOver) {
    await sleep(bench.random.between(500, 4000));
    const [name, fault] = bench.random.pick(faults);
    note(world, `fault: ${name}`);
    await fault(world, own);
  }
}
