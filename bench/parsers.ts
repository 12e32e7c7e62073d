// node bench/parsers.ts [--only TEXT] [--load]: what the worst text costs wherever strangers send one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openCore } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { createAsk } from './parsers/ask.ts';
import { showCosts } from './parsers/costs.ts';
import { doors } from './parsers/doors.ts';
import { showLoad } from './parsers/load.ts';
import { seed } from './parsers/seed.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, load: { type: 'boolean' } } });
const isWell = values.load ? await showLoad() : await measure(values.only ?? '');
if (!isWell) process.exitCode = 1;

/** @param only doors whose names hold it */
async function measure(only: string): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-parsers-'));
  const env = {
    NODE_ENV: 'test',
    DATA_DIR: folder,
    LOG_LEVEL: 'silent',
    TRUSTED_PROXIES: '127.0.0.0/8,::1',
  };
  const core = await openCore(loadConfig(env));
  try {
    const ask = createAsk(core.app);
    const all = doors(await seed(core, ask));
    return await showCosts(
      ask,
      all.filter(({ name }) => name.includes(only)),
    );
  } finally {
    await core.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
