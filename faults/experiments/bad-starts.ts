// Starts that cannot go well end at once, with a sentence and no stack trace.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { machineTime } from '../../src/lib/clock.ts';
import { launchCommand } from '../commands.ts';
import type { Experiment, Figures } from '../experiment.ts';

const PATIENCE = 40_000;

export const badStarts: Experiment = {
  name: 'bad-starts',
  title: 'wrong settings, a taken port, another secret, a file that is no database: exit code 1',
  stores: ['sqlite', 'postgres'],
  takes: '20 s',
  run: async (bench) => {
    const site = await bench.open({ count: 1 });
    const { database } = site;
    const taken = createServer().listen(0);
    await once(taken, 'listening');
    bench.finally(() => taken.close());
    const garbage = await bench.kind.create();
    bench.finally(() => garbage.remove());
    writeFileSync(join(garbage.dataDir, 'gatehouse.sqlite'), randomBytes(8192));
    const starts: Record<string, [typeof database, Record<string, string>]> = {
      'port taken': [database, { PORT: String((taken.address() as AddressInfo).port) }],
      'http issuer in production': [
        database,
        { NODE_ENV: 'production', ISSUER: 'http://id.example.com' },
      ],
      'no such host': [database, { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/none' }],
      'another secret': [database, { GATEHOUSE_SECRET: randomBytes(32).toString('hex') }],
      'no configuration file': [database, { GATEHOUSE_CONFIG: '/none.json' }],
      ...(garbage.url === undefined ? { 'no database': [garbage, {}] } : {}),
    };
    const figures: Record<string, string> = {};
    for (const [name, [where, env]] of Object.entries(starts)) {
      const from = machineTime();
      const start = launchCommand(['serve', '--no-demo'], where, env);
      const late = setTimeout(start.kill, PATIENCE);
      const code = await start.ended;
      clearTimeout(late);
      figures[name] = `${code} in ${((machineTime() - from) / 1000).toFixed(1)} s`;
      bench.say(`${name}: ${figures[name]}`);
      const isTrace = /\n\s+at .*\.ts:\d/.test(start.output());
      if (code !== 1 || isTrace) {
        bench.journal.breaks(`bad start: ${name}: ${code}: ${start.output().slice(0, 400)}`);
      }
    }
    return figures as Figures;
  },
};
