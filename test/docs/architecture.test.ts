// docs/architecture.md names what there is: tables, Checks, and what a request goes through.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { interactionPolicy } from 'oidc-provider';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { createPolicy } from '../../src/oidc/policy.ts';
import { blocksOf } from '../support/documents.ts';
import { SQLITE } from '../support/stores.ts';

const read = (file: string) => readFileSync(join(PROJECT_ROOT, file), 'utf8');
const PAGE = 'docs/architecture.md';
const blockWith = (text: string) =>
  blocksOf(PAGE).find((block) => block.text.includes(text))?.text ?? '';

describe('docs/architecture.md', () => {
  it('has each table that the migrations make', async () => {
    const { dataDir, remove } = await SQLITE.createMigrated();
    const database = new Database(join(dataDir, 'gatehouse.sqlite'), { readonly: true });
    const made = database
      .prepare<[], { name: string }>("select name from sqlite_master where type = 'table'")
      .all()
      .map(({ name }) => name)
      .filter((name) => !/^(migrations|migrations_lock|sqlite_.*)$/.test(name));
    database.close();
    remove();
    const [, section = ''] = read(PAGE).split('\n## Data\n');
    const [table = ''] = section.split('\n\nTimes are');
    const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(named.sort()).to.deep.equal(made.sort());
  });

  it('has each Check on a session, in its order', () => {
    const library = new Set(
      interactionPolicy
        .base()
        .get('login')
        ?.checks.map(({ reason }) => reason),
    );
    const own = createPolicy({ isIdle: () => false }, { find: async () => undefined })
      .get('login')
      ?.checks.map(({ reason }) => reason)
      .filter((reason) => !library.has(reason));
    const text = blockWith('authorization request');
    const [, checks = ''] = /Checks on a session([\s\S]*?)then the library's own/.exec(text) ?? [];
    expect(checks.match(/\b[a-z]+(?:_[a-z]+)+\b/g)).to.deep.equal(own);
  });

  it('has what each request goes through, in its order', () => {
    const [, stack = ''] =
      /const stack = \[\n([\s\S]*?)\n {2}\];/.exec(read('src/wiring/middleware.ts')) ?? [];
    const parts = stack.split('\n').filter((line) => /^ {4}\S/.test(line));
    const [before, ...named] = blockWith('requestContext').split('\n');
    expect(before).to.match(/^fixed answers /);
    expect(named).to.have.length(parts.length);
    for (const [at, line] of named.entries()) expect(parts[at]).to.include(line.split(' ')[0]);
  });
});
