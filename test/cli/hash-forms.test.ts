// People of every form of hash: one file, imported by the command, and each of them signs in.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createHashing } from '../../src/domain/passwords/hashing.ts';
import { createFactors, type FactorNeeds } from '../../src/factors/index.ts';
import type { Stopwatch } from '../../src/factors/password/minimum-duration.ts';
import { type Application, createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess } from '../support/guesses.ts';
import { COSTLY, MADE_ELSEWHERE } from '../support/password-hashes.ts';
import { allowIfAsked, createRelyingParty } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';
import { command, json } from './helpers.ts';

interface Report {
  readonly imported: number;
  readonly refused: number;
  readonly errors: ReadonlyArray<{ line: number; field: string; message: string }>;
}

const FLOOR = 700;
const emailOf = (at: number) => `form-${at}@example.com`;
const lines = (records: readonly unknown[]) =>
  records.map((each) => JSON.stringify(each)).join('\n');

describe('people of every form of hash', () => {
  let gatehouse: Gatehouse;
  let database: TestDatabase;
  let app: Application;
  const slept: number[] = [];

  before(async () => {
    database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'floor.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, password: { refusal_min_ms: FLOOR } }));
    // No time passes but what is slept.
    const time: Stopwatch = {
      elapsed: () => 0,
      sleep: async (milliseconds) => {
        slept.push(milliseconds);
      },
    };
    gatehouse = await startGatehouse({
      database,
      env: { ...BEHIND_PROXY, GATEHOUSE_CONFIG: file },
      hashing: createHashing,
      factors: (needs: FactorNeeds) => createFactors({ ...needs, time }),
    });
    app = await createApplication(gatehouse);
  });
  after(() => gatehouse.stop());

  /** Each from another address: nothing here is about limits. */
  const signIn = async (email: string, password: string) => {
    slept.length = 0;
    const headers = { 'x-forwarded-for': freshAddress() };
    const { status, body } = await app.post('login', { email, password }, { headers });
    return { status, error: body.error, slept: [...slept] };
  };
  const hashOf = async (email: string) => (await gatehouse.core.accounts.get(email)).passwordHash;

  it('are imported, as text and as objects', async () => {
    const people = MADE_ELSEWHERE.map(({ hash }, at) => ({
      email: emailOf(at),
      password_hash: at % 2 === 1 && hash.startsWith('{"') ? JSON.parse(hash) : hash,
    }));
    const file = join(database.dataDir, 'people.ndjson');
    writeFileSync(file, lines(people));
    const report = await json<Report>(['account', 'import', file], { database });
    expect(report).to.include({ imported: MADE_ELSEWHERE.length, refused: 0 });
    const again = await json(['account', 'import', file], { database });
    expect(again).to.include({ unchanged: MADE_ELSEWHERE.length, refused: 0 });
  });

  for (const [at, { form, by, password }] of MADE_ELSEWHERE.entries()) {
    it(`${form}, by ${by}`, async () => {
      const email = emailOf(at);
      const imported = await hashOf(email);
      expect(await signIn(email, `${password}x`)).to.deep.equal({
        status: 401,
        error: 'invalid_credentials',
        slept: [FLOOR],
      });
      const right = await signIn(email, password);
      const isGood = password.startsWith('Brünn-');
      if (isGood) expect(right).to.deep.equal({ status: 200, error: undefined, slept: [] });
      else expect(right).to.include({ status: 403, error: 'password_migration_required' });
      const stored = await hashOf(email);
      // What gives way at this sign-in is not made anew, nor is what is as strong as ours.
      const isKept = !isGood || form.startsWith('argon2id');
      expect(stored === imported, stored).to.equal(isKept);
      if (!isKept) expect(stored).to.match(/^\$argon2id\$v=19\$/);
      expect((await signIn(email, password)).status).to.equal(isGood ? 200 : 403);
    });
  }

  it('set a new password on the page where theirs is below the policy', async () => {
    const at = MADE_ELSEWHERE.findIndex(({ form }) => form === 'Drupal $S$, D');
    const party = await createRelyingParty(gatehouse);
    const password = MADE_ELSEWHERE[at]?.password ?? '';
    const web = createWeb(gatehouse.url);
    const from = { address: freshAddress(), web };
    expect(titleOf(await guess(party, emailOf(at), 'wrong', from))).to.equal('Sign in');
    const page = await guess(party, emailOf(at), password, from);
    expect(titleOf(page)).to.equal('Update your password');
    const fresh = 'Vemo4-Lurk8-Pazi2';
    const fields = { new_password: fresh, confirm_password: fresh };
    await allowIfAsked(web, await web.submit(page, '/new-password', fields));
    expect(await hashOf(emailOf(at))).to.match(/^\$argon2id\$/);
  });
});

/** Damage that leaves the form recognisable. */
function damaged(hash: string): string {
  if (hash.startsWith('{"')) return hash.replace(/(\\?")(hash|value)\1:\1..../, '$1$2$1:$1!!!!');
  if (/^[0-9a-f]+:/.test(hash)) return hash.slice(0, -1);
  return /^A[AQ]/.test(hash) ? hash.slice(0, 40) : `${hash.slice(0, -8)}!`;
}

describe('hashes of every form that no sign-in can do with', () => {
  let database: TestDatabase;
  before(async () => {
    database = await SQLITE.createMigrated();
  });
  after(() => database.remove());

  /** All are refused, by line and field. @returns what is said of each */
  const refusals = async (hashes: readonly string[]): Promise<string[]> => {
    const people = hashes.map((hash, at) => ({ email: emailOf(at), password_hash: hash }));
    const args = ['account', 'import', '-', '--json'];
    const { code, stdout } = await command(args, { database, stdin: lines(people) });
    expect(code).to.equal(1);
    const { imported, errors } = JSON.parse(stdout) as Report;
    expect(imported).to.equal(0);
    const where = errors.map(({ line, field }) => ({ line, field }));
    expect(where).to.deep.equal(hashes.map((_, at) => ({ line: at + 1, field: 'password_hash' })));
    return errors.map(({ message }) => message);
  };

  it('are refused by form where they are damaged, and nothing of them is told', async () => {
    const says = await refusals(MADE_ELSEWHERE.map(({ hash }) => damaged(hash)));
    for (const [at, { form, hash }] of MADE_ELSEWHERE.entries()) {
      expect(says[at], form).to.match(
        /^is damaged \([^()]+, [^()]+\), or has a parameter that is not known: export it again, or leave it out$/,
      );
      expect(says[at]?.includes(hash.slice(-16)), form).to.equal(false);
    }
  });

  it('are refused by form and figure where they are costly', async () => {
    const says = await refusals(Object.values(COSTLY).map(([hash]) => hash));
    for (const [at, [form, [, figure]]] of Object.entries(COSTLY).entries()) {
      expect(says[at], form).to.match(/^has a cost that is out of range \(.*\): leave it out$/);
      expect(says[at], form).to.match(figure);
    }
  });
});
