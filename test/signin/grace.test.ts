// Days of grace: begun once, ended once, moved by nothing that a person does.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { afterPassword, createEnrolledPerson, enrolOn } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  type Tokens,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const SETUP = 'Set up two-factor authentication';

onOneStore('grace', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createExistingPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const statusOf = (page: Page) =>
    /role="status"[^>]*>([\s\S]*?)<\/(?:div|p)>/.exec(page.text)?.[1];
  const setup = (browser = web) => afterPassword(browser, party, person, { prompt: 'login' });
  const postpone = async (browser = web) => {
    const later = await browser.submit(await setup(browser), '/enrol-later');
    return allowIfAsked(browser, later);
  };
  const deadline = async () => (await gatehouse.core.accounts.get(person.id)).mfaDeadline;

  it('offers enrolment with the days that are left, and Remind me later goes on', async () => {
    const request = party.url();
    const page = await web.submit(await web.get(request.url), '/prove/password', { ...person });
    expect(titleOf(page)).to.equal(SETUP);
    expect(statusOf(page)).to.match(/7 days/);
    const last = await allowIfAsked(web, await web.submit(page, '/enrol-later'));
    const { body } = await party.redeem(request, codeOf(last));
    const claims = decodeJwt(String(body.id_token));
    expect(claims.acr).to.equal('urn:gatehouse:acr:password');
    expect(claims.amr).to.deep.equal(['pwd']);
  });

  it('ends with the sessions that were made with the password alone, which the page says', async () => {
    const ends = 'you&#39;ll be signed out everywhere else';
    codeOf(await postpone());
    const alone = await web.next(await setup());
    expect(alone.text, 'only this one is signed in').not.to.include(ends);
    const other = createWeb(gatehouse.url);
    const page = await setup(other);
    expect((await other.next(page)).text).to.include(ends);
    const { page: last } = await enrolOn(other, page);
    codeOf(await allowIfAsked(other, last));
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    const here = await other.get(party.url({ prompt: 'none' }).url);
    codeOf(here);
  });

  it('is one: signing in and putting it off do not renew it', async () => {
    codeOf(await postpone());
    const first = await deadline();
    expect(first).to.be.a('number');
    await gatehouse.advance('5d');
    const page = await setup(createWeb(gatehouse.url));
    expect(statusOf(page)).to.match(/2 days/);
    codeOf(await postpone(createWeb(gatehouse.url)));
    expect(await deadline()).to.equal(first);
    await gatehouse.advance('36h');
    expect(statusOf(await setup(createWeb(gatehouse.url)))).to.match(/one day|1 day/i);
  });

  it('that ends while the page waits can be put off no more', async () => {
    codeOf(await postpone());
    await gatehouse.advance('6d');
    await gatehouse.advance('1439m');
    const last = createWeb(gatehouse.url);
    const page = await setup(last);
    expect(page.text).to.include('Remind me later');
    await gatehouse.advance('2m');
    const answer = await last.submit(page, '/enrol-later');
    expect(titleOf(answer)).to.equal(SETUP);
    expect(answer.text).not.to.include('Remind me later');
    const { page: done } = await enrolOn(last, answer);
    codeOf(await allowIfAsked(last, done));
  });

  it('over, there is nothing but enrolment: sessions, prompt=none, refresh, the account page', async () => {
    const request = party.url({ scope: 'openid email' });
    const page = await web.submit(await web.get(request.url), '/prove/password', { ...person });
    const last = await allowIfAsked(web, await web.submit(page, '/enrol-later'));
    const tokens = (await party.redeem(request, codeOf(last))).body as unknown as Tokens;
    // In use all the time, so that neither the session is idle nor the token old.
    let refresh = tokens.refresh_token ?? '';
    for (let day = 0; day < 8; day += 1) {
      await gatehouse.advance('23h');
      const answer = await party.refresh(refresh);
      if (answer.status !== 200) break;
      refresh = String(answer.body.refresh_token);
      await web.get(party.url({ prompt: 'none' }).url);
    }
    expect((await party.refresh(refresh)).body.error).to.equal('invalid_grant');
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    const due = await setup();
    expect(titleOf(due)).to.equal(SETUP);
    expect(due.text).not.to.include('Remind me later');
    const csrf = /name="csrf" value="([^"]+)"/.exec(due.text)?.[1] ?? '';
    const path = due.url.href.replace(/\/(prove|enrol).*|\?.*/, '');
    const forced = await web.post(`${path}/enrol-later`, { csrf });
    expect(titleOf(forced)).to.equal(SETUP);
    codeOf(await allowIfAsked(web, (await enrolOn(web, forced)).page));
  });

  it('ends with enrolment, and what was signed in with the password alone ends with it', async () => {
    const thief = createWeb(gatehouse.url);
    codeOf(await postpone(thief));
    expect((await thief.get(party.url({ prompt: 'none' }).url)).url.searchParams.get('code')).to.be
      .ok;
    const { page } = await enrolOn(web, await setup());
    codeOf(await allowIfAsked(web, page));
    const silent = await thief.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
  });

  it('whoever asks for mfa makes enrolment due at once', async () => {
    const page = await afterPassword(web, party, person, { acr_values: 'urn:gatehouse:acr:mfa' });
    expect(titleOf(page)).to.equal(SETUP);
    expect(page.text).not.to.include('Remind me later');
  });

  it('in a session it asks for the password again before somebody gets a factor', async () => {
    codeOf(await postpone());
    const page = await web.get(party.url({ acr_values: 'urn:gatehouse:acr:mfa' }).url);
    expect(titleOf(page)).to.equal('Sign in');
  });

  it('is none for new accounts, and for those imported as new', async () => {
    const fresh = await createPerson(gatehouse);
    const imported = await createExistingPerson(gatehouse, { existing: false });
    for (const each of [fresh, imported]) {
      const page = await afterPassword(createWeb(gatehouse.url), party, each);
      expect(page.text).not.to.include('Remind me later');
    }
  });

  it('a reset of the second factor opens none', async () => {
    const enrolled = await createEnrolledPerson(gatehouse, party);
    const { store: database } = gatehouse.core;
    await database.write(...(await gatehouse.core.resetFactors(enrolled.id)));
    const page = await afterPassword(web, party, enrolled);
    expect(titleOf(page)).to.equal(SETUP);
    expect(page.text).not.to.include('Remind me later');
  });
});
