// gatehouse account reset-password and the links that commands print.
import { userInfo } from 'node:os';
import { expect } from 'chai';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { guess } from '../support/guesses.ts';
import { mailsTo } from '../support/mailbox.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { askForLink, DONE, resetPassword, VOID } from '../support/reset-link.ts';
import { onBothStores } from '../support/stores.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, titleOf } from '../support/web.ts';
import { done, json, misused, refused } from './helpers.ts';

interface Printed {
  readonly id: string;
  readonly email: string;
  readonly link: string;
}

onBothStores('gatehouse account reset-password', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let options: { database: Gatehouse['database']; env: Record<string, string> };
  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse);
    options = { database: gatehouse.database, env: { ISSUER: gatehouse.url } };
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  const reset = (who: string, ...more: string[]) =>
    json<Printed>(['account', 'reset-password', who, '--reason', 'lost phone', ...more], options);
  const linkRow = async () => {
    const { store: database } = gatehouse.core;
    const query = database.sql('one_time_links').where({ account_id: person.id });
    return database.find(database.compile(query.orderBy('created_at', 'desc').first()));
  };

  it('ends everything, mails the person, and prints a link for a new password', async () => {
    const before = await signIn(gatehouse, party, person);
    const old = await askForLink(gatehouse, person.email);
    const printed = await reset(person.email, '--ticket', 'HELP-1');
    expect(printed).to.include({ id: person.id, email: person.email });
    expect(printed.link).to.match(new RegExp(`^${gatehouse.url}/reset-password/[\\w-]{43}$`));
    expect(await linkRow()).to.include({
      purpose: 'reset-password',
      created_by: `cli:${userInfo().username}`,
    });

    const { tokens, web } = before;
    expect((await party.refresh(tokens.refresh_token ?? '')).body.error).to.equal('invalid_grant');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    expect((await guess(party, person.email, person.password)).status).to.equal(422);
    expect(titleOf(await createWeb(gatehouse.url).get(old))).to.equal(VOID);

    const mails = await mailsTo(gatehouse, person.email);
    const told = mails.find(({ subject }) => subject === 'Your Gatehouse password was reset');
    expect(told?.text).to.include('An administrator reset the password');
    expect(told?.raw).not.to.include('/reset-password/').and.not.to.include('lost phone');

    const page = await resetPassword(createWeb(gatehouse.url), printed.link, NEW_PASSWORD);
    expect(titleOf(page)).to.equal(DONE);
    await signIn(gatehouse, party, { ...person, password: NEW_PASSWORD });
  });

  it('takes an id, and its link lives thirty minutes', async () => {
    const { link } = await reset(person.id);
    await gatehouse.advance('31m');
    expect(titleOf(await createWeb(gatehouse.url).get(link))).to.equal(VOID);
    const again = await askForLink(gatehouse, person.email);
    const page = await resetPassword(createWeb(gatehouse.url), again, NEW_PASSWORD);
    expect(titleOf(page), 'the person helps themselves').to.equal(DONE);
  });

  it('twice: the second link alone works', async () => {
    const first = await reset(person.id);
    const second = await reset(person.id);
    const web = createWeb(gatehouse.url);
    expect(titleOf(await web.get(first.link))).to.equal(VOID);
    expect(titleOf(await resetPassword(web, second.link, NEW_PASSWORD))).to.equal(DONE);
  });

  it('prints for people without --json', async () => {
    const args = ['account', 'reset-password', person.id, '--reason', 'asked for it'];
    expect(await done(args, options)).to.match(/^link +http\S+\/reset-password\/[\w-]{43}$/m);
  });

  it('wants a reason, and an account that there is and that may use it', async () => {
    const act = ['account', 'reset-password'];
    expect(await misused([...act, person.id], options)).to.include('--reason');
    expect(await refused([...act, person.id, '--reason', ' '], options)).to.equal(
      'This needs a reason.',
    );
    const nobody = [...act, 'nobody@example.com', '--reason', 'x'];
    expect(await refused(nobody, options)).to.include('No account found for');
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: person.id });
    await database.write(database.compile(row.update({ status: 'suspended' }), 1));
    expect(await refused([...act, person.id, '--reason', 'x'], options)).to.include('suspended');
    expect(await linkRow()).to.equal(undefined);
  });

  describe('account create', () => {
    it('without a password prints an invitation that lives three days', async () => {
      const email = `invited-${store.name}@example.com`;
      const { link, id } = await json<Printed>(['account', 'create', email], options);
      await gatehouse.advance('71h');
      const page = await resetPassword(createWeb(gatehouse.url), link, NEW_PASSWORD);
      expect(titleOf(page)).to.equal(DONE);
      await signIn(gatehouse, party, { id, email, password: NEW_PASSWORD });
      const late = await json<Printed>(['account', 'create', `late-${email}`], options);
      await gatehouse.advance('73h');
      expect(titleOf(await createWeb(gatehouse.url).get(late.link))).to.equal(VOID);
    });

    it('with a password prints none', async () => {
      const email = `with-password-${store.name}@example.com`;
      const args = ['account', 'create', email, '--password-stdin', '--json'];
      const printed = await done(args, { ...options, stdin: 'Tavu7-Ripo3-Keld9' });
      expect(JSON.parse(printed)).not.to.have.property('link');
    });
  });
});
