// Choose a new password: from the link to the sign-in, and what ends with the old password.
import { expect } from 'chai';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess, guessWrong } from '../support/guesses.ts';
import { mailsTo } from '../support/mailbox.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import {
  askForLink,
  choose,
  DONE,
  RESET,
  resetPassword,
  useLink,
  VOID,
} from '../support/reset-link.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD, storedPassword } from '../support/weak-person.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

onOneStore('Choose a new password', (store) => {
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY, factors: fake.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  const tokensFor = (password: string) => signIn(gatehouse, party, { ...person, password });
  const expectVoid = (page: Page) => {
    expect(page.status).to.equal(410);
    expect(titleOf(page)).to.equal(VOID);
    expect(page.text).to.include('<a class="button" href="/forgot-password">Forgot password?</a>');
    expect(page.text).not.to.include('name="new_password"');
  };

  it('goes from the link over a button to the form, and signs nobody in', async () => {
    const link = await askForLink(gatehouse, person.email);
    const first = await web.get(link);
    expect(first.status).to.equal(200);
    expect(titleOf(first)).to.equal(RESET);
    expect(first.text).to.match(/<button class="button"[^>]*>Continue<\/button>/);
    expect(first.text).not.to.include(person.email);
    const form = await web.submit(first, new URL(link).pathname);
    expect(form.url.pathname).to.equal('/reset-password');
    expect(titleOf(form)).to.equal(RESET);
    expect(form.text).to.include(person.email);
    const done = await choose(web, form, NEW_PASSWORD);
    expect(titleOf(done)).to.equal(DONE);
    expect(done.text).to.include('<a class="button" href="/account">Sign in</a>');
    const left = web.cookies().map(({ name }) => name);
    expect(left).to.deep.equal(['gatehouse_form']);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    const { tokens } = await tokensFor(NEW_PASSWORD);
    const { body } = await party.userinfo(tokens.access_token);
    expect(body).to.include({ email: person.email, email_verified: true });
    const old = await guess(party, person.email, person.password);
    expect(old.status).to.equal(422);
    const subjects = (await mailsTo(gatehouse, person.email)).map(({ subject }) => subject);
    expect(subjects).to.include('Your Gatehouse password was changed');
  });

  it('a GET, however often, spends nothing', async () => {
    const link = await askForLink(gatehouse, person.email);
    for (let time = 0; time < 3; time += 1) {
      for (const method of ['GET', 'HEAD']) {
        expect((await createWeb(gatehouse.url).once(link, { method })).status).to.equal(200);
      }
    }
    expect(titleOf(await resetPassword(web, link, NEW_PASSWORD))).to.equal(DONE);
  });

  it('takes an address that a mail has reached for verified, and no other', async () => {
    const { accounts, links, store: database } = gatehouse.core;
    const reset = async (link: string, password: string) => {
      expect(titleOf(await resetPassword(web, link, password))).to.equal(DONE);
      return (await accounts.find(person.id))?.emailVerified;
    };
    const before = await accounts.get(person.id);
    const printed = links.create(before, 'reset-password', 'cli:somebody');
    await database.commit(printed.unit);
    expect(await reset(printed.url, NEW_PASSWORD)).to.equal(false);
    expect(await reset(await askForLink(gatehouse, person.email), 'Bofi5-Zarn6-Tulo8')).to.equal(
      true,
    );
    const again = links.create(await accounts.get(person.id), 'reset-password', 'cli:somebody');
    await database.commit(again.unit);
    expect(await reset(again.url, NEW_PASSWORD)).to.equal(true);
  });

  it('ends sessions, tokens, known browsers and counters, and keeps consents', async () => {
    const address = freshAddress();
    const before = await signIn(gatehouse, party, person, {
      parameters: { scope: 'openid email offline_access', prompt: 'consent' },
    });
    await guessWrong(party, person.email, 5, { address });
    expect((await guess(party, person.email, person.password, { address })).status).to.equal(429);
    const { generation } = await storedPassword(gatehouse, person.id);
    await resetPassword(web, await askForLink(gatehouse, person.email), NEW_PASSWORD);
    expect(await storedPassword(gatehouse, person.id)).to.include({
      generation: generation + 1,
      known: 1,
    });
    const refused = await party.refresh(before.tokens.refresh_token ?? '');
    expect(refused.body.error).to.equal('invalid_grant');
    expect((await party.userinfo(before.tokens.access_token)).status).to.equal(401);
    const silent = await before.web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    const { store: database } = gatehouse.core;
    const browsers = database.sql('known_browsers').where({ account_id: person.id });
    expect(await database.all(database.compile(browsers))).to.deep.equal([]);
    const again = await guess(party, person.email, NEW_PASSWORD, { address });
    expect(codeOf(again), 'no lock and no consent in the way').to.be.a('string');
  });

  it('does not skip the second factor', async () => {
    await fake.enrol(gatehouse, person);
    await resetPassword(web, await askForLink(gatehouse, person.email), NEW_PASSWORD);
    const page = await web.get(party.url().url);
    const { email } = person;
    const next = await web.submit(page, '/prove/password', { email, password: NEW_PASSWORD });
    expect(titleOf(next)).to.equal('Two-factor authentication');
    const last = await web.submit(next, '/prove/fake', { word: RIGHT_WORD });
    expect(titleOf(last)).to.equal('Allow access');
  });

  it('sends the form again until the password meets the policy', async () => {
    const link = await askForLink(gatehouse, person.email);
    let page = await useLink(web, link);
    page = await choose(web, page, 'abcd1234');
    expect(page.status).to.equal(422);
    expect(titleOf(page)).to.equal(RESET);
    expect(alertOf(page)).to.equal('Check the marked fields.');
    expect(page.text).to.match(/data-rule="length" data-state="unmet"/);
    expect(page.text).not.to.include('abcd1234');
    page = await choose(web, page, NEW_PASSWORD, 'another');
    expect(page.status).to.equal(400);
    expect(page.text).to.include('The passwords don&#39;t match.');
    page = await choose(web, page, person.password);
    expect(page.status).to.equal(422);
    expect(page.text).to.include('That&#39;s your current password.');
    page = await web.get(`${gatehouse.url}/reset-password`);
    expect(titleOf(page), 'loaded again').to.equal(RESET);
    expect(titleOf(await choose(web, page, NEW_PASSWORD))).to.equal(DONE);
  });

  it('judges while one types, for whoever has spent the link alone', async () => {
    const page = await useLink(web, await askForLink(gatehouse, person.email));
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const check = (by: Web, token: string, password: string) =>
      by.post(`${gatehouse.url}/reset-password/check`, { csrf: token, new_password: password });
    const local = person.email.split('@')[0] ?? '';
    expect(JSON.parse((await check(web, csrf, `Aa1-${local}`)).text).unmet).to.include('personal');
    expect(JSON.parse((await check(web, csrf, NEW_PASSWORD)).text)).to.deep.equal({ unmet: [] });
    expect((await check(web, 'forged', NEW_PASSWORD)).status).to.equal(403);
    expect((await check(createWeb(gatehouse.url), csrf, NEW_PASSWORD)).status).to.equal(410);
  });

  it('a second press and the way back go on where one was', async () => {
    const link = await askForLink(gatehouse, person.email);
    const first = await web.get(link);
    await web.submit(first, new URL(link).pathname);
    const again = await web.submit(first, new URL(link).pathname);
    expect(again.url.pathname).to.equal('/reset-password');
    expect(titleOf(again)).to.equal(RESET);
    const mail = await web.get(link);
    expect(mail.url.pathname, 'the link in the mail once more').to.equal('/reset-password');
    expect(titleOf(await choose(web, mail, NEW_PASSWORD))).to.equal(DONE);
    expectVoid(await web.get(link));
    expectVoid(await web.get(`${gatehouse.url}/reset-password`));
  });

  it('a link lives thirty minutes, and its form fifteen', async () => {
    const { email } = person;
    const early = await askForLink(gatehouse, email);
    await gatehouse.advance('29m');
    const page = await useLink(web, early);
    await gatehouse.advance('14m');
    expect(titleOf(await choose(web, page, 'too-weak'))).to.equal(RESET);
    await gatehouse.advance('2m');
    expectVoid(await choose(web, page, NEW_PASSWORD));
    const late = await askForLink(gatehouse, email);
    await gatehouse.advance('31m');
    expectVoid(await web.get(late));
    expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 1 });
  });

  it('other links of the account are void with the new password', async () => {
    const { email } = person;
    const links = [await askForLink(gatehouse, email), await askForLink(gatehouse, email)];
    const other = createWeb(gatehouse.url);
    const opened = await useLink(other, links[1] ?? '');
    const third = await askForLink(gatehouse, email);
    expect(titleOf(await resetPassword(web, links[0] ?? '', NEW_PASSWORD))).to.equal(DONE);
    expectVoid(await choose(other, opened, 'Bofi5-Zarn6-Tulo8'));
    expectVoid(await createWeb(gatehouse.url).get(third));
    await tokensFor(NEW_PASSWORD);
  });

  it('is for an account without a password, too', async () => {
    const { id, email } = await gatehouse.core.accounts.create({ email: 'new@example.com' });
    person = { id, email, password: '' };
    const done = await resetPassword(web, await askForLink(gatehouse, email), NEW_PASSWORD);
    expect(titleOf(done)).to.equal(DONE);
    await tokensFor(NEW_PASSWORD);
  });

  it('is for an account whose password is below the policy', async () => {
    person = await createWeakPerson(gatehouse);
    await resetPassword(web, await askForLink(gatehouse, person.email), NEW_PASSWORD);
    await tokensFor(NEW_PASSWORD);
  });

  it('refuses an account that is suspended meanwhile, before and after the button', async () => {
    const suspend = async () => {
      const { store: database } = gatehouse.core;
      const row = database.sql('accounts').where({ id: person.id });
      await database.write(database.compile(row.update({ status: 'suspended' }), 1));
    };
    const [one, two] = [
      await askForLink(gatehouse, person.email),
      await askForLink(gatehouse, person.email),
    ];
    const form = await useLink(web, one);
    const button = await createWeb(gatehouse.url).get(two);
    await suspend();
    expectVoid(await choose(web, form, NEW_PASSWORD));
    expectVoid(await createWeb(gatehouse.url).get(two));
    expect(titleOf(button)).to.equal(RESET);
    expect((await storedPassword(gatehouse, person.id)).generation).to.equal(1);
    expect((await mailsTo(gatehouse, person.email)).map(({ subject }) => subject)).to.deep.equal([
      'Choose a new Gatehouse password',
      'Choose a new Gatehouse password',
    ]);
  });

  it('takes no other method, and has no page but its own', async () => {
    const link = await askForLink(gatehouse, person.email);
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      expect((await web.once(link, { method })).status, method).to.equal(405);
    }
    expect((await web.once(`${link}/more`)).status).to.equal(404);
    expectVoid(await web.get(`${gatehouse.url}/reset-password`));
    expectVoid(await web.get(`${gatehouse.url}/reset-password/${'x'.repeat(43)}`));
    expectVoid(await web.get(`${gatehouse.url}/reset-password/..%2f..%2faccount`));
  });
});
