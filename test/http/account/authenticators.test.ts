// Authenticators on the account page: added, renamed, removed, and never the last one.
import { expect } from 'chai';
import {
  expectDead,
  expectSignedIn,
  nextCode,
  openAccount,
  openOnTrustedDevice,
  pathOn,
  pathsOn,
  sectionOf,
  signInElsewhere,
  statusOf,
} from '../../support/account-page.ts';
import { codeFor, secretOn } from '../../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import { codeOf, createRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { onBothStores } from '../../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../../support/web.ts';

const CHALLENGE = 'Two-factor authentication';

onBothStores('authenticators on the account page', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    ({ web } = await openAccount(gatehouse, person));
  });
  after(() => gatehouse.stop());

  const account = () => web.get(`${gatehouse.url}/account`);
  const follow = async (pattern: RegExp, page?: Page) =>
    web.get(new URL(pathOn(page ?? (await account()), pattern), gatehouse.url));
  const generation = async () => (await gatehouse.core.accounts.get(person.id)).generation;
  const addPage = () => follow(/authenticators\/add/);
  const add = async (name = 'My tablet'): Promise<{ secret: string; page: Page }> => {
    const setup = await addPage();
    const secret = secretOn(setup);
    const typed = { code: codeFor(secret), device_name: name };
    return { secret, page: await web.submit(setup, '/add/totp', typed) };
  };
  const signInWith = async (secret: string): Promise<string> => {
    const other = createWeb(gatehouse.url);
    const challenge = await afterPassword(other, party, person);
    const code = await nextCode(gatehouse, secret);
    const last = await other.submit(challenge, '/prove/totp', { code });
    return last.url.searchParams.get('code') ? 'signed in' : titleOf(last);
  };

  describe('one more', () => {
    it('opens the account as well as the first one', async () => {
      const { secret, page } = await add();
      expect(titleOf(page)).to.equal('Account');
      expect(statusOf(page)).to.equal('Authenticator added.');
      expect(sectionOf(page, 'Authenticators')).to.match(/Two authenticators\..*My tablet/);
      expect(await signInWith(secret)).to.equal('signed in');
      expect(await signInWith(person.secret)).to.equal('signed in');
    });

    it('is not added by what is no code, which is said kindly', async () => {
      const setup = await addPage();
      for (const code of ['12345', 'abcdef', 'ABCD-1234']) {
        const answer = await web.submit(setup, '/add/totp', { code });
        expect(answer.status, code).to.equal(422);
        expect(answer.text).to.include('Enter the 6-digit code from your app.');
      }
      const code = codeFor(secretOn(setup)).replace(/(...)/, '$1 − ');
      expect(titleOf(await web.submit(setup, '/add/totp', { code }))).to.equal('Account');
    });

    it('has the same secret on each reload, and another one in another session', async () => {
      const secret = secretOn(await addPage());
      expect(secretOn(await addPage())).to.equal(secret);
      const { web: other } = await openAccount(gatehouse, person);
      const theirs = await other.get(`${gatehouse.url}/account/authenticators/add/totp`);
      expect(secretOn(theirs)).not.to.equal(secret);
      const crossed = await other.submit(theirs, '/add/totp', { code: codeFor(secret) });
      expect(crossed.status).to.equal(422);
    });

    it('is never offered again with a secret that was shown before', async () => {
      const { secret } = await add();
      expect(secretOn(await addPage())).not.to.equal(secret);
    });

    it('wants its first code, and the one that added it is spent', async () => {
      const setup = await addPage();
      const before = await generation();
      const empty = await web.submit(setup, '/add/totp', { code: '' });
      expect(empty.status).to.equal(400);
      expect(empty.text).to.include('Enter the');
      const wrong = await web.submit(setup, '/add/totp', { code: '000000' });
      expect(wrong.status).to.equal(422);
      expect(alertOf(wrong)).to.include("That code isn't right");
      expect(secretOn(await addPage())).to.equal(secretOn(setup));
      expect(await generation()).to.equal(before);
      const code = codeFor(secretOn(setup));
      await web.submit(setup, '/add/totp', { code });
      const challenge = await afterPassword(createWeb(gatehouse.url), party, person);
      expect(titleOf(challenge)).to.equal(CHALLENGE);
      const other = createWeb(gatehouse.url);
      const spent = await other.submit(await afterPassword(other, party, person), '/prove/totp', {
        code,
      });
      expect(spent.status).to.equal(422);
    });

    it('ends nothing, and says so before', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      const trusted = await openOnTrustedDevice(gatehouse, party, person);
      const before = await generation();
      expect((await web.next(await addPage())).text).to.include(
        'You&#39;ll stay signed in everywhere.',
      );
      await add();
      expect(await generation()).to.equal(before);
      const { tokens } = elsewhere;
      expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
      await expectSignedIn(gatehouse, elsewhere.web, party);
      const last = await afterPassword(trusted, party, person, { prompt: 'login' });
      expect(last.url.searchParams.get('code'), 'still a trusted device').to.be.a('string');
      await expectSignedIn(gatehouse, web, party);
    });

    it('up to five', async () => {
      for (const name of ['two', 'three', 'four']) await add(name);
      const setup = await addPage();
      const form = await web.next(setup);
      const { page } = await add('five');
      expect(sectionOf(page, 'Authenticators')).to.include('Five authenticators.');
      expect(pathsOn(page, /authenticators\/add|set-up/)).to.deep.equal([]);
      const late = await web.get(`${gatehouse.url}/account/authenticators/add/totp`);
      expect(titleOf(late)).to.equal('Account');
      const code = codeFor(secretOn(setup));
      const forced = await web.submit(form, '/add/totp', { code });
      expect(sectionOf(forced, 'Authenticators')).to.include('Five authenticators.');
    });
  });

  describe('another name', () => {
    it('is shown from then on, whatever is in it', async () => {
      const name = ' <b>Küche</b> "1" ';
      const page = await web.submit(await follow(/rename$/), '/rename', { device_name: name });
      expect(statusOf(page)).to.equal('Authenticator renamed.');
      expect(sectionOf(page, 'Authenticators')).to.include('<b>Küche</b> "1"');
      expect(page.text).not.to.include('<b>Küche');
    });

    it('must be one, and is not too long', async () => {
      const form = await follow(/rename$/);
      expect(form.text).to.include('value="Authenticator app"');
      for (const name of ['', '   ', 'x'.repeat(65)]) {
        const page = await web.submit(form, '/rename', { device_name: name });
        expect(page.status, name).to.equal(400);
        expect(titleOf(page)).to.equal('Rename authenticator');
      }
      expect(sectionOf(await account(), 'Authenticators')).to.include('Authenticator app');
    });

    it('ends nothing', async () => {
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      await web.submit(await follow(/rename$/), '/rename', { device_name: 'Phone' });
      await expectSignedIn(gatehouse, elsewhere.web, party);
    });
  });

  describe('removing', () => {
    it('is no choice for the last one, whoever asks', async () => {
      const page = await account();
      expect(pathsOn(page, /remove$/)).to.deep.equal([]);
      const path = pathOn(page, /rename$/).replace(/rename$/, 'remove');
      expect(titleOf(await web.get(`${gatehouse.url}${path}`))).to.equal('Account');
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const answer = await web.post(`${gatehouse.url}${path}`, { csrf });
      expect(sectionOf(answer, 'Authenticators')).to.include('One authenticator.');
      expect(statusOf(answer)).to.equal('');
      expect(await signInWith(person.secret)).to.equal('signed in');
    });

    it('asks first; then its codes stop working, and the others go on', async () => {
      const { secret } = await add();
      const [first = ''] = pathsOn(await account(), /remove$/);
      const asked = await web.get(new URL(first, gatehouse.url));
      expect(titleOf(asked)).to.equal('Remove authenticator');
      expect(asked.text).to.include('Authenticator app');
      expect(await signInWith(person.secret), 'nothing is done by asking').to.equal('signed in');
      const page = await web.submit(asked, '/remove');
      expect(statusOf(page)).to.equal('Authenticator removed.');
      expect(sectionOf(page, 'Authenticators')).to.match(/One authenticator\..*My tablet/);
      expect(await signInWith(person.secret)).to.equal(CHALLENGE);
      expect(await signInWith(secret)).to.equal('signed in');
      const late = await web.submit(asked, '/remove');
      expect(late.status).to.equal(404);
    });

    it('ends other sessions and trusted devices, and this session goes on', async () => {
      await add();
      const elsewhere = await signInElsewhere(gatehouse, party, person);
      const trusted = await openOnTrustedDevice(gatehouse, party, person);
      const asked = await follow(/remove$/);
      expect(asked.text).to.include('You&#39;ll be signed out everywhere else.');
      await web.submit(asked, '/remove');
      await expectDead(gatehouse, elsewhere);
      const challenge = await afterPassword(trusted, party, person, { prompt: 'login' });
      expect(titleOf(challenge)).to.equal(CHALLENGE);
      await expectSignedIn(gatehouse, web, party);
    });
  });

  it('a browser elsewhere that is in the middle of a sign-in goes on when one is added, and starts again when one is removed', async () => {
    const other = createWeb(gatehouse.url);
    const going = await afterPassword(other, party, person);
    await add();
    const right = await nextCode(gatehouse, person.secret);
    codeOf(await other.submit(going, '/prove/totp', { code: right }));
    const challenge = await afterPassword(other.copy(), party, person, { prompt: 'login' });
    const [, second = ''] = pathsOn(await account(), /remove$/);
    await web.submit(await web.get(new URL(second, gatehouse.url)), '/remove');
    const code = await nextCode(gatehouse, person.secret);
    const answer = await other.submit(challenge, '/prove/totp', { code });
    expect(titleOf(answer)).to.equal('Your sign-in expired');
    expect(() => codeOf(answer)).to.throw();
  });
});
