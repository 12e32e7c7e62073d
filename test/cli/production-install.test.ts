// An installation without development dependencies: no Node of its own, and no demo.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

const SHIPPED = ['bin', 'src', 'config', 'locales', 'public', 'views', 'migrations'];
const TOOLS = '/usr/local/bin:/usr/bin:/bin';

/** As `npm ci --omit=dev` leaves it. */
function install(folder: string): string {
  for (const each of [...SHIPPED, 'package.json']) {
    cpSync(join(PROJECT_ROOT, each), join(folder, each), { recursive: true });
  }
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(PROJECT_ROOT, 'node_modules', name), link);
  }
  return join(folder, 'bin/gatehouse');
}

describe('a production install', () => {
  let database: TestDatabase;
  let command: string;
  before(async () => {
    database = await SQLITE.create();
    command = install(join(database.dataDir, 'installed'));
  });
  after(() => database.remove());

  it('serves in development too, and says why there is no demo', async () => {
    const port = await freePort();
    const env = {
      ...environment(database, port, { NODE_ENV: 'development' }),
      PATH: `${dirname(process.execPath)}:${TOOLS}`,
    };
    const child = spawn(command, ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += String(chunk);
        if (output.includes("demo application isn't available")) child.kill('SIGTERM');
      });
    }
    const [code] = await once(child, 'close');
    expect({ code, output }).to.have.property('code', 0);
    expect(output).to.include(`serves http://localhost:${port} (development)\n`);
    expect(output).to.include(
      "The demo application isn't available: its libraries are development dependencies.\n",
    );
  });

  for (const [version, runs] of [
    ['v22.18.0', true],
    ['v22.20.1', true],
    ['v24.21.0', true],
    ['v30.0.0', true],
    ['v22.17.9', false],
    ['v22.2.0', false],
    ['v20.20.2', false],
    ['v8.17.0', false],
  ] as const) {
    it(`${runs ? 'runs with' : 'names what is wrong with'} Node ${version}`, () => {
      const bin = join(database.dataDir, version);
      mkdirSync(bin);
      const says = `#!/bin/sh\n[ "$1" = --version ] && echo ${version} || echo ran\n`;
      writeFileSync(join(bin, 'node'), says, { mode: 0o755 });
      const { status, stdout, stderr } = spawnSync(command, ['keys', 'list'], {
        env: { PATH: `${bin}:${TOOLS}` },
        encoding: 'utf8',
      });
      expect({ status, stdout }).to.deep.equal(
        runs ? { status: 0, stdout: 'ran\n' } : { status: 1, stdout: '' },
      );
      const why = `gatehouse: Node 22.18 or newer is needed, and here is ${version}. `;
      if (!runs)
        expect(stderr)
          .to.match(/^.+\n$/)
          .and.include(why);
    });
  }
});
