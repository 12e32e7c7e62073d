// "This wasn't me": the link of the mail about a new browser, replayed, opened by programs, and
// raced by the thief it is about.
import { expect } from 'chai';
import { mailsTo, nextLinkTo, waitForMail } from '../support/mailbox.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  type SignIn,
  signIn,
} from '../support/relying-party.ts';
import { askForLink, DONE, resetPassword, VOID } from '../support/reset-link.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, findForm, titleOf } from '../support/web.ts';

const NOT_ME = /^https?:\/\/\S+\/not-me\/[\w-]{43}$/m;
const SECURE = 'Secure your account';
const SECURED = 'Your account is secured';

onOneStoreExcept(/at once/, 'the link "This wasn\'t me"', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let person: Person;
  let thief: SignIn;

  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createPerson(pair);
    await signIn(pair, party, person);
    thief = await signIn(pair, party, person);
  });
  after(() => pair.stop());

  const linkTo = async ({ email }: Person): Promise<string> => {
    const mail = await waitForMail(pair, email, ({ text }) => NOT_ME.test(text));
    return NOT_ME.exec(mail.text)?.[0] ?? '';
  };
  const secretOf = (link: string) => link.split('/').at(-1) ?? '';
  const disown = async (link: string) => {
    const web = createWeb(pair.url);
    const page = await web.get(link);
    return page.status === 200 && titleOf(page) === SECURE
      ? web.submit(page, new URL(link).pathname)
      : page;
  };
  const account = () => pair.core.accounts.get(person.id);
  const canRefresh = async () =>
    (await party.refresh(thief.tokens.refresh_token ?? '')).status === 200;
  const resetMails = async () =>
    (await mailsTo(pair, person.email)).filter(({ text }) => text.includes('/reset-password/'));

  it('sent twenty times at once to two processes ends everything once', async () => {
    const link = await linkTo(person);
    const web = createWeb(pair.url);
    const { action, fields } = findForm(await web.get(link), new URL(link).pathname);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        web.copy().once(new URL(action.pathname, pair.processes[index % 2]?.url), {
          method: 'POST',
          body: new URLSearchParams(fields).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
      ),
    );
    for (const { status, headers } of answers) {
      expect([status, headers.get('location')]).to.deep.equal([303, '/not-me/done']);
    }
    expect(await account()).to.include({ generation: 2, passwordHash: undefined });
    await nextLinkTo(pair, person.email, []);
    expect(await resetMails()).to.have.length(1);
    const rows = await pair.core.audit.newest({ accountId: person.id }, 50);
    const kinds = rows.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'account.sign_in_disowned')).to.have.length(1);
  });

  it('ends what the thief holds, his password too, and leads the owner to a new one', async () => {
    const link = await linkTo(person);
    expect(await canRefresh()).to.equal(true);
    expect(titleOf(await disown(link))).to.equal(SECURED);
    expect(await canRefresh()).to.equal(false);
    const silent = await thief.web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    await signIn(pair, party, person).then(
      () => expect.fail('the old password signs in'),
      (error: Error) => expect(error.message).to.match(/no code/),
    );
    const reset = await nextLinkTo(pair, person.email, []);
    const web = createWeb(pair.url);
    expect(titleOf(await resetPassword(web, reset, NEW_PASSWORD))).to.equal(DONE);
    expect(titleOf(await web.get(`${pair.url}/account`)), 'no sign-in').to.equal('Sign in');
    await signIn(pair, party, { ...person, password: NEW_PASSWORD });
    expect(titleOf(await disown(link)), 'used').to.equal(SECURED);
    await signIn(pair, party, { ...person, password: NEW_PASSWORD });
  });

  it('opened by programs that look at mails changes nothing', async () => {
    const link = await linkTo(person);
    const web = createWeb(pair.url);
    for (const method of ['GET', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'] as const) {
      await web.once(link, { method });
    }
    const forged = await web.post(link, { csrf: 'forged' });
    expect(forged.status).to.equal(403);
    const bare = await createWeb(pair.url).once(link, { method: 'POST', body: '' });
    expect(bare.status).to.be.within(400, 499);
    expect((await account()).generation).to.equal(1);
    expect(await canRefresh()).to.equal(true);
  });

  it('sets no password, and a link that does ends nothing', async () => {
    const link = await linkTo(person);
    const web = createWeb(pair.url);
    const asReset = await web.get(`${pair.url}/reset-password/${secretOf(link)}`);
    expect([asReset.status, titleOf(asReset)]).to.deep.equal([410, VOID]);
    const reset = await askForLink(pair, person.email);
    const asOther = await web.get(`${pair.url}/not-me/${secretOf(reset)}`);
    expect([asOther.status, titleOf(asOther)]).to.deep.equal([410, VOID]);
    expect((await account()).generation).to.equal(1);
  });

  it('is not voided by what the thief changes first, and uses up its like', async () => {
    const link = await linkTo(person);
    const { store: database } = pair.core;
    const row = database.sql('accounts').where({ id: person.id }).update({ generation: 7 });
    await database.write(database.compile(row, 1));
    const again = await signIn(pair, party, person);
    expect(titleOf(await disown(link))).to.equal(SECURED);
    expect((await account()).generation).to.equal(8);
    const refreshed = await party.refresh(again.tokens.refresh_token ?? '');
    expect(refreshed.status).to.equal(400);
    const links = database.sql('one_time_links').where({ account_id: person.id });
    const open = links.where({ purpose: 'not-me' }).whereNull('used_at');
    expect(await database.all(database.compile(open))).to.deep.equal([]);
  });

  it('says the same of one that expired, of a suspended account and of none', async () => {
    const link = await linkTo(person);
    const none = link.replace(/[\w-]{43}$/, 'x'.repeat(43));
    const answers = [await createWeb(pair.url).get(none)];
    const { store: database } = pair.core;
    const status = (to: string) => {
      const row = database.sql('accounts').where({ id: person.id }).update({ status: to });
      return database.write(database.compile(row, 1));
    };
    await status('suspended');
    answers.push(await createWeb(pair.url).get(link));
    await status('active');
    const rows = database.sql('one_time_links').where({ account_id: person.id });
    await database.write(database.compile(rows.update({ expires_at: 1 })));
    answers.push(await createWeb(pair.url).get(link));
    for (const answer of answers) {
      expect([answer.status, titleOf(answer)]).to.deep.equal([410, VOID]);
    }
  });
});
