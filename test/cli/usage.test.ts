// Help and wrong usage: they need no database, and loading one would make people wait.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { runCommand } from '../support/processes.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { command, done, misused } from './helpers.ts';

/** The words of every command that there is: `[]`, `['account']`, `['account', 'create']`, … */
function allCommands(command: Command, path: readonly string[] = []): Array<readonly string[]> {
  const below = command.commands.flatMap((each) => allCommands(each, [...path, each.name()]));
  return [path, ...below];
}

const startsWith = (words: readonly string[], first: readonly string[]) =>
  first.every((word, at) => words[at] === word);

const HEAVY = ['knex', 'pg', 'better-sqlite3', 'argon2'];

describe('usage of the command', () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  before(async () => {
    database = await SQLITE.create();
    // Nothing of this may be looked at.
    env = {
      DATA_DIR: join(database.dataDir, 'untouched'),
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
      PORT: 'none',
    };
  });
  after(() => database.remove());

  const commands = allCommands(createProgram());

  it('has the commands of the contract', () => {
    const names = commands.map((words) => words.join(' '));
    const wanted = ['serve', 'migrate', 'doctor', 'keys list'];
    const accounts = ['account create', 'account list', 'account show'];
    const clients = ['client create', 'client list', 'client show', 'client delete'];
    const audit = ['audit tail', 'explain'];
    expect(names).to.include.members([...wanted, ...accounts, ...clients, ...audit]);
  });

  for (const words of commands) {
    it(`helps: ${['gatehouse', ...words].join(' ')} --help`, async () => {
      const help = await done([...words, '--help'], { database, env });
      expect(help).to.match(new RegExp(`^Usage: ${['gatehouse', ...words].join(' ')}\\b`));
      expect(help).to.include('--help');
      expect(existsSync(env.DATA_DIR ?? '')).to.equal(false);
      const isGroup = commands.some(
        (other) => other.length > words.length && startsWith(other, words),
      );
      const examples = help.split('For example:\n')[1]?.trimEnd().split('\n') ?? [];
      expect(examples.length > 0, 'examples').to.equal(!isGroup);
      for (const line of examples) {
        expect(line).to.include(`gatehouse ${words.join(' ')}`);
        for (const [option] of line.matchAll(/(?<= )--[\w-]+/g)) {
          expect(help.split('For example:')[0]).to.match(new RegExp(`^ +${option} `, 'm'));
        }
        for (const needed of help.match(/^ +(--\S+)(?=.*\(required\)$)/gm) ?? []) {
          expect(line).to.include(needed.trim());
        }
      }
    });
  }

  it('says its version', async () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'));
    expect(await done(['--version'], { database, env })).to.equal(`${version}\n`);
  });

  it('lists every option in its help', async () => {
    const options = [
      ...['--name', '--redirect-uri', '--public', '--first-party', '--post-logout-redirect-uri'],
      ...['--backchannel-logout-uri', '--grant', '--scope', '--resource', '--require-acr'],
      ...['--no-pkce', '--json'],
    ];
    const help = await done(['client', 'create', '--help'], { database, env });
    for (const option of options) expect(help).to.include(`${option} `);
  });

  it('loads no database driver before a command needs one', async () => {
    const hook = join(database.dataDir, 'hook.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => {
        const loaded = ${JSON.stringify(HEAVY)}.filter((name) =>
          Object.keys(require.cache).some((file) => file.includes('/node_modules/' + name + '/')));
        require('node:fs').writeSync(2, 'loaded: ' + loaded.join(' '));
      });`,
    );
    const options = { NODE_OPTIONS: `--require ${hook}` };
    const help = await runCommand(['--help'], { database, env: { ...env, ...options } });
    expect(help.stderr).to.equal('loaded: ');
    // That the hook can see them at all:
    const list = await runCommand(['account', 'list'], { database, env: options });
    expect(list.stderr).to.include('knex').and.to.include('better-sqlite3');
  });

  const wrong: ReadonlyArray<readonly string[]> = [
    [],
    ['account'],
    ['nonsense'],
    ['account', 'nonsense'],
    ['serve', 'extra'],
    ['serve', '--nonsense'],
    ['migrate', '--nonsense'],
    ['account', 'create'],
    ['account', 'create', 'a@example.com', 'b@example.com'],
    ['account', 'create', 'a@example.com', '--admin', '--support'],
    ['account', 'create', 'a@example.com', '--name'],
    ['account', 'list', 'extra'],
    ['account', 'show'],
    ['client', 'create'],
    ['client', 'create', '--name', 'App', '--require-acr', 'nonsense'],
    ['client', 'create', '--name', 'App', '--id-token-alg', 'HS256'],
    ['client', 'create', '--name', 'App', '--public', '--no-pkce'],
    ['client', 'show'],
    ['client', 'delete'],
    ['keys', 'list', 'extra'],
    ['audit'],
    ['audit', 'tail', 'extra'],
    ['audit', 'tail', '--limit'],
    ['audit', 'tail', '--limit', '0'],
    ['audit', 'tail', '--limit', '-1'],
    ['audit', 'tail', '--limit', '1e3'],
    ['audit', 'tail', '--limit', '10001'],
    ['audit', 'tail', '--kind', 'nonsense'],
    ['explain'],
    ['explain', 'a@example.com', 'b@example.com'],
    ['doctor', 'extra'],
  ];

  it('answers wrong usage with exit 2, before it looks at anything', async () => {
    for (const words of wrong) expect(await misused(words, { database, env })).not.to.equal('');
    expect(existsSync(env.DATA_DIR ?? '')).to.equal(false);
  });

  it('answers a wrong configuration with exit 1 and a report', async () => {
    const { code, stdout, stderr } = await command(['account', 'list'], { database, env });
    expect({ code, stdout }).to.deep.equal({ code: 1, stdout: '' });
    expect(stderr).to.match(/^gatehouse: The configuration has a mistake:\n {2}- PORT .*\n$/);
  });
});
