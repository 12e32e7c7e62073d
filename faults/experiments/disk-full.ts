// The disk of SQLite is full, and free again.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import { SQLITE, type TestDatabase } from '../../test/support/stores.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { beside, health } from '../measure.ts';
import { watchRecovery } from '../recovery.ts';
import type { Site } from '../site.ts';
import { between, goOn, share, startChains } from '../traffic.ts';

export const diskFull: Experiment = {
  name: 'disk-full',
  title: 'a full disk and a free one (a small tmpfs for root, else RLIMIT_FSIZE)',
  stores: ['sqlite'],
  takes: '30 s',
  run: async (bench) => {
    const disk = process.getuid?.() === 0 ? await smallDisk(bench) : undefined;
    const site = await bench.open(disk ? { database: disk } : {});
    const at = { journal: bench.journal, site };
    const traffic = goOn(at, await startChains(at, 4));
    const watch = await watchRecovery(bench, traffic);
    const from = machineTime();
    bench.say('full');
    const free = disk ? fill(disk) : limitFiles(site);
    const { samples } = await beside(sleep(8000), () => health(site.at(0)), 200);
    const during = between(traffic.samples, from, machineTime());
    free();
    bench.say('free again');
    const { seconds, usual, after } = await watch.recover();
    await traffic.stop();
    const late = samples.slice(-5);
    if (share(late, 503) === 0) bench.journal.breaks('health: ready said ok on a full disk');
    const figures: Figures = {
      by: disk ? 'tmpfs of 24 MB' : 'RLIMIT_FSIZE',
      '503': share(during, 503),
      done: share(during, 200),
      'ready 503': `${share(samples, 503)} of ${samples.length}`,
      'back, s': seconds,
      p99: `${usual}→${after}`,
    };
    return figures;
  },
};

async function smallDisk(bench: Bench): Promise<TestDatabase | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', folder]);
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const made = await SQLITE.createMigrated();
  copyFileSync(join(made.dataDir, 'gatehouse.sqlite'), join(folder, 'gatehouse.sqlite'));
  made.remove();
  bench.finally(() => {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  });
  return { dataDir: folder, url: undefined, remove: () => undefined };
}

function fill({ dataDir }: TestDatabase): () => void {
  const files: string[] = [];
  for (let size = 1 << 20; size >= 4096; size = size > 4096 ? size >> 4 : 0) {
    try {
      for (;;) {
        const file = join(dataDir, `filler-${files.length}`);
        files.push(file);
        writeFileSync(file, Buffer.alloc(size));
      }
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }
  return () => {
    for (const file of files) rmSync(file, { force: true });
  };
}

/** No file of these processes may grow past what it is. */
function limitFiles({ nodes }: Site): () => void {
  const set = (value: string) => {
    for (const { process: node } of nodes) {
      execFileSync('prlimit', ['--pid', String(node.pid), `--fsize=${value}`]);
    }
  };
  set('65536:unlimited');
  return () => set('unlimited:unlimited');
}
