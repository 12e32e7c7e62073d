// "Confirm it is you": changes want a proof of the last ten minutes, and ask for what is missing.
import { expect } from 'chai';
import {
  nextCode,
  openAccount,
  openOnTrustedDevice,
  passSignIn,
  pathOn,
} from '../../support/account-page.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../../support/enrolled-person.ts';
import { createExistingPerson } from '../../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import {
  createRelyingParty,
  PASSWORD,
  type RelyingParty,
  signIn,
} from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { NEW_PASSWORD } from '../../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../../support/web.ts';

const CHALLENGE = 'Two-factor authentication';
const CHANGE = {
  current_password: PASSWORD,
  new_password: NEW_PASSWORD,
  confirm_password: NEW_PASSWORD,
};

onOneStore('proof for changes', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const get = (path: string) => web.get(`${gatehouse.url}${path}`);
  const titleAt = async (path: string) => titleOf(await get(path));

  /** Every page behind the proof, by the heading it has. */
  const pages = async (): Promise<ReadonlyArray<readonly [string, string]>> => {
    await signIn(gatehouse, party, person, { web });
    const page = await get('/account');
    return [
      ['/account/password', 'Change password'],
      ['/account/authenticators/add/totp', 'Add authenticator'],
      [pathOn(page, /rename$/), 'Rename authenticator'],
      ['/account/backup-codes', 'Save your backup codes'],
      [pathOn(page, /revoke$/), 'Revoke access'],
    ];
  };

  it('is good for nine minutes and not for eleven', async () => {
    await openAccount(gatehouse, person, web);
    const all = await pages();
    await gatehouse.advance('9m');
    for (const [path, heading] of all) expect(await titleAt(path), path).to.equal(heading);
    expect((await get('/account/backup-codes.txt')).text).to.match(/\w{4}-\w{4}/);
    await gatehouse.advance('2m');
    for (const [path] of [...all, ['/account/backup-codes.txt']]) {
      const asked = await get(path ?? '');
      expect(titleOf(asked), path).to.equal('Sign in');
      expect(asked.text).to.include(`value="${person.email}"`);
    }
    expect(await titleAt('/account')).to.equal('Account');
  });

  it('old, password and code are asked for, and the page that was wanted follows', async () => {
    await openAccount(gatehouse, person, web);
    for (const [path, heading] of await pages()) {
      await gatehouse.advance('11m');
      const asked = await get(path);
      const page = await passSignIn(gatehouse, web, asked, person);
      expect(titleOf(page), path).to.equal(heading);
      expect(page.url.pathname).to.equal(path);
    }
  });

  it('is looked at again when a form is sent: a page may have been open for an hour', async () => {
    await openAccount(gatehouse, person, web);
    const old = await get('/account/password');
    await gatehouse.advance('1h');
    const asked = await web.submit(old, '/account/password', CHANGE);
    expect(titleOf(asked)).to.equal('Sign in');
    const page = await passSignIn(gatehouse, web, asked, person);
    expect(page.url.pathname).to.equal('/account/password');
    // Sent with the old password, which still is the one.
    const done = await web.submit(page, '/account/password', CHANGE);
    expect(titleOf(done)).to.equal('Account');
  });

  it('a trusted device is none: with a fresh password the code alone is missing', async () => {
    web = await openOnTrustedDevice(gatehouse, party, person);
    expect(await titleAt('/account')).to.equal('Account');
    const asked = await get('/account/password');
    expect(titleOf(asked)).to.equal(CHALLENGE);
    expect(asked.text).not.to.include('name="password"');
    const code = await nextCode(gatehouse, person.secret);
    const page = await web.submit(asked, '/prove/totp', { code });
    expect(titleOf(page)).to.equal('Change password');
  });

  it('a trusted device with an old password misses both', async () => {
    web = await openOnTrustedDevice(gatehouse, party, person);
    await gatehouse.advance('11m');
    const asked = await get('/account/password');
    expect(titleOf(asked)).to.equal('Sign in');
    const { email, password } = person;
    expect(titleOf(await web.submit(asked, '/prove/password', { email, password }))).to.equal(
      CHALLENGE,
    );
  });

  it('a password that grows old while the question waits is asked for as well', async () => {
    web = await openOnTrustedDevice(gatehouse, party, person);
    const first = await web.once(`${gatehouse.url}/account/password`);
    const request = await web.once(String(first.headers.get('location')));
    await gatehouse.advance('11m');
    const late = await web.get(new URL(String(request.headers.get('location')), gatehouse.url));
    expect(titleOf(late)).to.equal('Sign in');
  });

  it('without a second factor the password is enough, and is asked for', async () => {
    const existing = await createExistingPerson(gatehouse);
    const first = await get('/account/password');
    const setup = await web.submit(first, '/prove/password', { ...existing });
    expect(titleOf(await web.submit(setup, '/enrol-later'))).to.equal('Change password');
    await gatehouse.advance('11m');
    const asked = await get('/account/password');
    expect(titleOf(asked)).to.equal('Sign in');
    const again = await web.submit(asked, '/prove/password', { ...existing });
    expect(titleOf(await web.submit(again, '/enrol-later'))).to.equal('Change password');
  });

  it('the code of the answer is never redeemed, and the session is what counts', async () => {
    await openAccount(gatehouse, person, web);
    await gatehouse.advance('11m');
    const redirect = await web.once(`${gatehouse.url}/account/password`);
    const { searchParams } = new URL(String(redirect.headers.get('location')));
    expect(searchParams.get('max_age')).to.equal('600');
    expect(searchParams.get('acr_values')).to.equal('urn:gatehouse:acr:mfa');
    expect(searchParams.get('client_id')).to.equal('gatehouse-account');
    // Somebody who goes straight to the end of it has proved nothing.
    const state = String(searchParams.get('state'));
    const forged = await get(`/account/callback?code=x&state=${encodeURIComponent(state)}`);
    expect(titleOf(forged)).to.equal('Sign in');
  });

  it('who cancels is at the account page, not asked again', async () => {
    web = await openOnTrustedDevice(gatehouse, party, person);
    const asked = await get('/account/password');
    const page = await web.submit(asked, '/cancel');
    expect(titleOf(page)).to.equal('Account');
    expect(page.url.pathname).to.equal('/account');
  });

  describe('the way back', () => {
    const back = (state: string) => get(`/account/callback?state=${encodeURIComponent(state)}`);
    const expectHome = (page: Page) => {
      expect(page.url.href).to.equal(`${gatehouse.url}/account`);
      expect(titleOf(page)).to.equal('Account');
    };

    it('leads only where this house has written', async () => {
      await openAccount(gatehouse, person, web);
      const wanted = async (path: string) => {
        const { headers } = await createWeb(gatehouse.url).once(`${gatehouse.url}${path}`);
        return new URL(String(headers.get('location'))).searchParams.get('state') ?? '';
      };
      const state = await wanted('/account/password');
      expect((await back(state)).url.pathname).to.equal('/account/password');
      const [mac = ''] = state.split('.');
      for (const other of [
        'https://evil.example/',
        '//evil.example/',
        '/account/password',
        `${mac}.//evil.example/`,
        `${mac}.https://evil.example/`,
        `${mac}./account/backup-codes`,
        `${mac}.`,
        `.${mac}`,
        '.',
        '',
        `${state}/..//evil.example`,
      ]) {
        expectHome(await back(other));
      }
      const twice = `state=${encodeURIComponent(state)}`;
      expectHome(await get(`/account/callback?${twice}&${twice}`));
    });

    it('never leaves the house, whatever the path looks like', async () => {
      for (const path of ['/account/password', '/account//evil.example', '/account/%2F%2Fevil']) {
        const page = await createWeb(gatehouse.url).get(`${gatehouse.url}${path}`);
        expect(page.url.origin, path).to.equal(gatehouse.url);
      }
    });
  });
});
