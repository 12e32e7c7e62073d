// gatehouse audit … and gatehouse explain, beside a server that runs on the same database.
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess, guessWrong } from '../support/guesses.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { createWeb, type Page } from '../support/web.ts';
import { done, json, refused } from './helpers.ts';

interface RowJson {
  readonly time: string;
  readonly kind: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly account: string | null;
  readonly actor: string | null;
  readonly client: string | null;
  readonly trace: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly says?: string;
}

interface Explained {
  readonly sign_in?: string | null;
  readonly account: unknown;
  readonly client?: string | null;
  readonly limits?: ReadonlyArray<{ rule: string; failures: number; until: string | null }>;
  readonly says?: readonly string[];
  readonly events: readonly RowJson[];
}

const ALWAYS = [
  ...['time', 'kind', 'outcome', 'account', 'actor', 'client', 'address', 'user_agent', 'trace'],
  'detail',
];
const OPERATOR = `cli:${userInfo().username}`;

onBothStores('gatehouse audit and explain', (store) => {
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  let party: RelyingParty;
  let person: Person;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY, factors: fake.factors });
    options = { database: gatehouse.database };
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const tail = async (...more: string[]): Promise<RowJson[]> => {
    const printed = await done(['audit', 'tail', '--json', ...more], options);
    const lines = printed.split('\n');
    expect(lines.pop()).to.equal('');
    return lines.map((line) => JSON.parse(line) as RowJson);
  };
  const explain = (what: string) => json<Explained>(['explain', what], options);
  const rowsOf = ({ id }: Pick<Person, 'id'>) => auditRows(gatehouse, { accountId: id });

  /** Stops at the second factor, which is refused once. */
  const halfSignIn = async (): Promise<Page> => {
    await fake.enrol(gatehouse, person);
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const second = await web.submit(page, '/prove/password', { ...person });
    return web.submit(second, '/prove/fake', { word: 'no' });
  };

  describe('audit tail', () => {
    it('prints rows in the names of the contract, the newest last', async () => {
      await halfSignIn();
      const rows = await tail('--account', person.email);
      expect(rows.map(({ kind, outcome }) => `${kind} ${outcome}`)).to.deep.equal([
        'account.created ok',
        'sign_in.password ok',
        'sign_in.factor refused',
      ]);
      for (const row of rows.slice(0, 2)) expect(row).to.have.all.keys(ALWAYS);
      expect(rows[2]).to.have.all.keys([...ALWAYS, 'reason']);
      expect(rows[2]).to.deep.include({
        reason: 'wrong word',
        account: person.id,
        actor: person.id,
        client: party.id,
        detail: { method: 'fake' },
      });
      const times = rows.map(({ time }) => time);
      expect(times.toSorted()).to.deep.equal(times);
      for (const time of times) expect(new Date(time).toISOString()).to.equal(time);
      expect(await tail('--account', person.id)).to.deep.equal(rows);
    });

    it('takes so many, of one kind', async () => {
      await guessWrong(party, person.email, 3, { address: freshAddress() });
      const [row, ...more] = await tail('--limit', '1');
      expect(more).to.deep.equal([]);
      expect(row).to.include({ kind: 'sign_in.password', account: person.id });
      const two = await tail('--limit', '2', '--kind', 'sign_in.password');
      expect(two.map(({ kind }) => kind)).to.deep.equal(['sign_in.password', 'sign_in.password']);
      const own = await tail('--kind', 'account.created', '--account', person.id);
      expect(own).to.have.length(1);
      expect(await tail('--kind', 'token.reuse')).to.deep.equal([]);
    });

    it('prints a table for people', async () => {
      const text = await done(['audit', 'tail', '--account', person.id], options);
      expect(text).to.match(
        /^time +kind +outcome +reason +account +actor +client +address +trace$/m,
      );
      expect(text).to.match(/^\S+Z +account\.created +ok +– +usr_\S+ +– +– +– +–$/m);
    });

    it('knows accounts that are gone by their id, and refuses unknown addresses', async () => {
      const { store: database } = gatehouse.core;
      const gone = database.sql('accounts').where({ id: person.id }).del();
      await database.run(database.compile(gone));
      expect(await tail('--account', person.id)).to.have.length(1);
      const why = await refused(['audit', 'tail', '--account', person.email], options);
      expect(why).to.equal(`No account found for "${person.email}".`);
    });
  });

  it('commands leave rows that name who typed them', async () => {
    const created = ['account', 'create', 'Typed@Example.com', '--admin'];
    const { id } = await json<{ id: string }>(created, {
      ...options,
      env: { ISSUER: gatehouse.url },
    });
    const file = join(options.database.dataDir, 'people.ndjson');
    writeFileSync(file, '{"email":"imported@example.com","status":"suspended"}\n');
    await json(['account', 'import', file, '--dry-run'], options);
    await json(['account', 'import', file], options);
    const made = ['client', 'create', '--name', 'App', '--redirect-uri', 'https://a.example.com/'];
    const client = await json<{ client_id: string; client_secret: string }>(made, options);
    await done(['client', 'delete', client.client_id], options);
    await refused(created, options);
    const imported = await gatehouse.core.accounts.get('imported@example.com');
    const rows = (await tail()).filter(({ actor }) => actor === OPERATOR);
    const subjects = rows.map((row) => [row.kind, row.account ?? row.client, row.detail]);
    expect(subjects).to.deep.equal([
      ['account.created', id, { role: 'admin' }],
      ['account.imported', imported.id, { status: 'suspended', factors: 0 }],
      ['admin.client_created', client.client_id, {}],
      ['admin.client_deleted', client.client_id, {}],
    ]);
  });

  it('what repeats is told with its number, while it runs and afterwards', async () => {
    const refused = { kind: 'sign_in.locked', outcome: 'refused', accountId: person.id } as const;
    const detail = { rule: 'identifier', method: 'password' };
    const { audit } = gatehouse.core;
    for (let time = 0; time < 5; time += 1) await audit.fold({ ...refused, detail });
    await audit.flush();
    const look = async () => {
      const rows = await tail('--account', person.id, '--kind', 'sign_in.locked');
      const { events } = await explain(person.email);
      return { rows: rows.map((row) => row.detail.repeated), says: events.at(-1)?.says };
    };
    const running = await look();
    expect(running.rows).to.deep.equal([undefined, 4]);
    expect(running.says).to.match(
      /^Limited \(rule: identifier; method: password\), 4 more times since 2\S+Z\.$/,
    );
    await gatehouse.advance('16m');
    await audit.closeEnded();
    expect(await look()).to.deep.equal(running);
  });

  describe('explain TRACE', () => {
    it('finds the whole sign-in by any of its traces, however it is typed', async () => {
      const second = await halfSignIn();
      const web = createWeb(gatehouse.url);
      const bare = await web.get(second.url.href.replace(/\/prove.*/, ''));
      const shown = /[0-9A-HJKMNP-TV-Z]{10}(?=<\/code>)/.exec(bare.text)?.[0] ?? '';
      const rows = (await rowsOf(person)).slice(1);
      const first = rows[0]?.trace ?? '';
      expect(new Set([first, rows[1]?.trace, shown]).size, 'three requests').to.equal(3);
      const explained = await explain(first);
      expect(explained).to.include({
        sign_in: rows[0]?.flowId,
        account: person.id,
        client: party.id,
      });
      expect(explained.events.map(({ says }) => says)).to.deep.equal([
        'The password was right (method: password; policy: met; due: second-factor).',
        'The second factor was refused: wrong word (method: fake).',
        'Sign-in stopped: cookies_needed.',
      ]);
      for (const row of explained.events) {
        expect(row).to.include.all.keys(ALWAYS);
      }
      for (const trace of [shown, ` ${first.toLowerCase()}`, rows[1]?.trace ?? '']) {
        expect((await explain(trace)).events).to.deep.equal(explained.events);
      }
      const text = await done(['explain', first], options);
      expect(text.split('\n')[0]).to.equal(
        `A sign-in of ${person.email} (${person.id}) at ${party.id}.`,
      );
      expect(text).to.match(/^\S+Z {2}[0-9A-Z]{10} {2}The second factor was refused: wrong word/m);
    });

    it('explains a request that belongs to no sign-in', async () => {
      const metadata = { grant_types: ['client_credentials'], redirect_uris: [] };
      const machine = await createRelyingParty(gatehouse, {
        metadata: { ...metadata, response_types: [] },
      });
      await machine.token({ grant_type: 'client_credentials' });
      const row = (await auditRows(gatehouse, { kind: 'token.issued' })).at(-1);
      const explained = await explain(row?.trace ?? '');
      expect(explained).to.include({ sign_in: null, account: null, client: machine.id });
      expect(explained.events).to.have.length(1);
      const text = await done(['explain', row?.trace ?? ''], options);
      expect(text).to.include(`A request of an unknown person at ${machine.id}.`);
    });

    it('refuses a trace code under which nothing was recorded', async () => {
      const why = await refused(['explain', 'zzzzzzzzzz'], options);
      expect(why).to.match(/^Nothing was recorded under the trace code ZZZZZZZZZZ\. /);
      expect(why, 'where else to look').to.include('in the server log');
    });
  });

  describe('explain ACCOUNT', () => {
    it('says how it stands, and what happened last', async () => {
      await fake.enrol(gatehouse, person);
      const explained = await explain(person.email.toUpperCase());
      expect(explained.account).to.include({ id: person.id, status: 'active', locked_until: null });
      expect(explained.limits).to.deep.equal([]);
      expect(explained.says).to.deep.equal([
        'Active.',
        'Password meets policy version 1.',
        'Second factor: backup-codes.',
      ]);
      expect(explained.events.map(({ says }) => says)).to.deep.equal([
        'The account was created (role: user).',
      ]);
      expect(await explain(person.id)).to.deep.equal(explained);
    });

    it('says which limits are closed, for how long, and no longer than that', async () => {
      const address = freshAddress();
      await guessWrong(party, person.email, 6, { address });
      const explained = await explain(person.email);
      const [closed, ...more] = explained.limits ?? [];
      expect(more).to.deep.equal([]);
      expect(closed).to.include({ rule: 'identifier', failures: 5 });
      const wait = (Date.parse(String(closed?.until)) - Date.now()) / 60_000;
      expect(wait).to.be.within(14, 15);
      expect(explained.says).to.include(
        `Locked by rule \`identifier\` until ${closed?.until} (5 failures).`,
      );
      const text = await done(['explain', person.email], options);
      expect(text).to.match(/Locked by rule `identifier` until /);
      expect(text).to.match(/Limited: attempt refused by a limit \(rule: identifier;/);
      await gatehouse.advance('15m');
      expect((await explain(person.email)).limits).to.deep.equal([]);
      await guessWrong(party, person.email, 5, { address });
      const rules = ((await explain(person.email)).limits ?? []).map(({ rule }) => rule);
      expect(rules, 'the longest first').to.deep.equal(['lockout', 'identifier']);
      expect((await guess(party, person.email, person.password, { address })).status).to.equal(429);
    });

    it('says when codes are closed', async () => {
      const second = await halfSignIn();
      const web = createWeb(gatehouse.url);
      expect(second.status).to.equal(422);
      const page = await web.get(party.url().url);
      const door = await web.submit(page, '/prove/password', { ...person });
      for (let time = 0; time < 9; time += 1) await web.submit(door, '/prove/fake', { word: 'no' });
      const { limits } = await explain(person.id);
      expect(limits?.map(({ rule, failures }) => ({ rule, failures }))).to.deep.equal([
        { rule: 'codes', failures: 10 },
      ]);
      expect((await web.submit(door, '/prove/fake', { word: RIGHT_WORD })).status).to.equal(429);
    });

    it('names who is suspended, locked or without a password', async () => {
      const change = async (columns: Record<string, unknown>) => {
        const { store: database } = gatehouse.core;
        const row = database.sql('accounts').where({ id: person.id }).update(columns);
        await database.write(database.compile(row, 1));
        return (await explain(person.id)).says?.slice(0, 2);
      };
      expect(await change({ status: 'suspended', known_policy_version: null })).to.deep.equal([
        'Suspended.',
        'Password strength unknown until next sign-in.',
      ]);
      const until = Date.parse('2030-01-01T00:00:00.000Z');
      expect(await change({ status: 'locked', locked_until: until })).to.deep.equal([
        'Locked until 2030-01-01T00:00:00.000Z.',
        'Password strength unknown until next sign-in.',
      ]);
      expect(await change({ locked_until: null, password_hash: null })).to.deep.equal([
        'Locked until an operator unlocks it.',
        'No password set.',
      ]);
      await change({ mfa_deadline: until });
      expect((await explain(person.id)).says).to.include(
        'No second factor. Grace period ends on 2030-01-01T00:00:00.000Z.',
      );
    });

    it('still knows an account that was deleted, by its id', async () => {
      await done(['account', 'delete', person.email, '--reason', 'asked for it'], options);
      const explained = await explain(person.id);
      expect(explained.account).to.equal(null);
      expect(explained.says).to.deep.equal(['This account was deleted.']);
      expect(explained.events.map(({ says }) => says)).to.deep.equal([
        'The account was created (role: user).',
        'The account was deleted: asked for it.',
      ]);
      expect(explained.events[1]?.actor).to.equal(OPERATOR);
      const text = await done(['explain', person.id], options);
      expect(text).to.match(new RegExp(`^${person.id}\n  This account was deleted\\.`));
      await refused(['explain', person.email], options);
    });

    it('refuses what is no account', async () => {
      for (const who of ['nobody@example.com', 'usr_unknown', 'a\u001b[31m@example.com']) {
        expect(await refused(['explain', who], options)).to.match(/^No account found for ".*"\.$/);
      }
    });
  });
});
