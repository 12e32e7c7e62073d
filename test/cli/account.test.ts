// gatehouse account …, beside a server that runs on the same database.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import type { CommandOptions } from '../support/processes.ts';
import { createRelyingParty, signIn } from '../support/relying-party.ts';
import { onOneStoreExcept, SQLITE } from '../support/stores.ts';
import { done, json, refused } from './helpers.ts';

interface AccountJson {
  readonly id: string;
  readonly email: string;
  readonly [name: string]: unknown;
}

const FIELDS = ['id', 'email', 'name', 'status', 'created_at', 'mfa', 'known_policy_version'];

onOneStoreExcept(/two commands/, 'gatehouse account', (store) => {
  let gatehouse: Gatehouse;
  let options: CommandOptions;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    options = { database: gatehouse.database, env: { ISSUER: gatehouse.url } };
  });
  after(() => gatehouse.stop());

  it('creates, shows and lists in the names of the contract', async () => {
    const before = Date.now();
    const args = ['account', 'create', 'Ada.Love@Example.com', '--name', 'Ada Löwe', '--admin'];
    const { link, ...account } = await json<AccountJson>(args, options);
    expect(link).to.match(/\/reset-password\/[\w-]{43}$/);
    expect(account).to.include.all.keys(FIELDS);
    expect(account).to.deep.include({
      email: 'Ada.Love@Example.com',
      name: 'Ada Löwe',
      status: 'active',
      role: 'admin',
      mfa: { enrolled: false, deadline: null },
      known_policy_version: null,
    });
    expect(account.id).to.match(/^usr_[\w-]{22}$/);
    expect(new Date(String(account.created_at)).toISOString()).to.equal(account.created_at);
    expect(Date.parse(String(account.created_at))).to.be.within(before, Date.now());
    for (const who of [account.id, ' ADA.LOVE@EXAMPLE.COM ']) {
      expect(await json(['account', 'show', who], options), who).to.deep.equal(account);
    }
    expect(await json(['account', 'list'], options)).to.deep.include(account);
  });

  it('refuses an address that is taken, in another spelling', async () => {
    const { id } = await gatehouse.core.accounts.create({ email: 'taken@example.com' });
    const args = ['account', 'create', 'ｔAKEN@Example.COM', '--json'];
    const why = await refused(args, options);
    expect(why).to.match(/^An account with the email address .* already exists\.$/);
    expect((await gatehouse.core.accounts.get('taken@example.com')).id).to.equal(id);
  });

  it('makes one account when two commands create the same one', async () => {
    const args = ['account', 'create', 'twice@example.com', '--json'];
    const apart = { ...options, apart: true };
    const both = await Promise.allSettled([done(args, apart), done(args, apart)]);
    expect(both.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const twice = [];
    for await (const { email } of gatehouse.core.accounts.list()) {
      if (email === 'twice@example.com') twice.push(email);
    }
    expect(twice).to.have.length(1);
  });

  it('takes a password from standard input, without its newline', async () => {
    const email = 'stdin@example.com';
    const args = ['account', 'create', email, '--password-stdin', '--json'];
    const password = ' Tavu7 Ripo3ö ';
    const printed = await done(args, { ...options, stdin: `${password}\n` });
    expect(printed).not.to.include('argon2').and.not.to.include('Tavu7');
    await expectSignIn(gatehouse, { id: JSON.parse(printed).id, email, password });
  });

  it('refuses unknown accounts', async () => {
    for (const who of ['usr_unknown', "' or '1'='1"]) {
      const why = await refused(['account', 'show', who, '--json'], options);
      expect(why).to.equal(`No account found for "${who}".`);
    }
  });
});

async function expectSignIn(
  gatehouse: Gatehouse,
  person: { id: string; email: string; password: string },
): Promise<void> {
  const party = await createRelyingParty(gatehouse);
  const { tokens } = await signIn(gatehouse, party, person);
  expect((await party.userinfo(tokens.access_token)).body.sub).to.equal(person.id);
}

describe('what gatehouse account reads and prints', () => {
  let gatehouse: Gatehouse;
  let options: CommandOptions;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
    options = { database: gatehouse.database, env: { ISSUER: gatehouse.url } };
  });
  after(() => gatehouse.stop());

  const addresses = async () => {
    const found = [];
    for await (const { email } of gatehouse.core.accounts.list()) found.push(email);
    return found;
  };

  it('prints for people without --json, and no control character', async () => {
    const hostile = 'a\u001b[31mred\u0007\nb';
    const args = ['account', 'create', 'plain@example.com', '--support', '--name', hostile];
    const text = await done(args, options);
    expect(text)
      .to.match(/^email +plain@example\.com$/m)
      .and.to.match(/^role +support$/m);
    const nameless = ['account', 'create', 'nameless@example.com', '--name', ''];
    expect(await json(nameless, options)).to.include({ name: null });
    const table = await done(['account', 'list'], options);
    expect(table).to.match(/^id +email +name +role +status$/m);
    expect(table).to.match(/^usr_\S+ +plain@example\.com +a \[31mred b +support +active$/m);
    for (const printed of [text, table]) expect(printed).not.to.match(/[^\P{C}\n]/u);
  });

  it('prints an empty list as one', async () => {
    const database = await SQLITE.createMigrated();
    expect(await json(['account', 'list'], { database })).to.deep.equal([]);
    expect(await done(['account', 'list'], { database })).to.equal('(none)\n');
    database.remove();
  });

  it('refuses what is no address, and makes nothing', async () => {
    const before = await addresses();
    for (const email of ['', 'nobody', 'a b@example.com', 'a\nb@example.com']) {
      expect(await refused(['account', 'create', email], options)).to.include(
        'not a valid email address',
      );
    }
    expect(await addresses()).to.deep.equal(before);
  });

  for (const [newline, says] of [
    ['', 'no newline'],
    ['\r\n', 'the newline of Windows'],
  ] as const) {
    it(`takes a password with ${says} behind it`, async () => {
      const email = `newline-${newline.length}@example.com`;
      const password = 'Tavu7-Ripo3-Keld9';
      const args = ['account', 'create', email, '--password-stdin', '--json'];
      const printed = await done(args, { ...options, stdin: password + newline });
      await expectSignIn(gatehouse, { id: JSON.parse(printed).id, email, password });
    });
  }

  it('refuses an empty password, and makes nothing', async () => {
    for (const stdin of ['', '\n']) {
      const args = ['account', 'create', 'empty@example.com', '--password-stdin'];
      const why = await refused(args, { ...options, stdin });
      expect(why).to.equal('Standard input held no password.');
    }
    expect(await addresses()).not.to.include('empty@example.com');
  });
});
