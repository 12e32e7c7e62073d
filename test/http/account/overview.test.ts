// The account page: what it shows of an account, and how people come to it and back.
import { expect } from 'chai';
import {
  FIREFOX,
  nextCode,
  openAccount,
  pathOn,
  pathsOn,
  sectionOf,
} from '../../support/account-page.ts';
import { afterPassword, createEnrolledPerson, enrolOn } from '../../support/enrolled-person.ts';
import { createExistingPerson } from '../../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import { BEHIND_PROXY } from '../../support/guesses.ts';
import { createRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { createWeb, titleOf } from '../../support/web.ts';

const SECTIONS = [
  'Password',
  'Authenticators',
  'Backup codes',
  'Trusted devices',
  'Sessions',
  'Connected applications',
  'Recent activity',
];

onOneStore('the account page', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: { ...WITH_FACTOR, ...BEHIND_PROXY } });
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  const headings = (text: string) =>
    [...text.matchAll(/<h2[^>]*>([^<]*)/g)].map(([, name]) => name);

  it('has its sections, each with what can be done there', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { page } = await openAccount(gatehouse, person);
    expect(headings(page.text)).to.deep.equal(SECTIONS);
    expect(sectionOf(page, 'Password')).to.include('Never changed.');
    expect(sectionOf(page, 'Password')).to.include('Change password');
    expect(sectionOf(page, 'Authenticators')).to.match(/Authenticator app\. Added .* Last used /);
    expect(sectionOf(page, 'Authenticators')).to.include('Add authenticator');
    expect(sectionOf(page, 'Backup codes')).to.include('10 of 10 left.');
    expect(sectionOf(page, 'Backup codes')).to.include('Get new backup codes');
    expect(sectionOf(page, 'Trusted devices')).to.include('No trusted devices');
    expect(sectionOf(page, 'Connected applications')).to.include('No application has access');
    expect(page.headers.get('content-security-policy')).to.include("form-action 'self'");
  });

  it('says where each session was signed in', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const headers = { 'user-agent': FIREFOX, 'x-forwarded-for': '203.0.113.7' };
    const first = await web.get(`${gatehouse.url}/account`);
    const { email, password } = person;
    const challenge = await web.submit(first, '/prove/password', { email, password });
    const action = pathOn(challenge, /prove\/totp$/);
    const csrf = /name="csrf" value="([^"]+)"/.exec(challenge.text)?.[1] ?? '';
    const code = await nextCode(gatehouse, person.secret);
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers };
    const body = new URLSearchParams({ csrf, code }).toString();
    const init = { method: 'POST', headers: form, body };
    const proved = await web.once(new URL(action, gatehouse.url), init);
    const page = await web.get(String(proved.headers.get('location')), headers);
    const sessions = sectionOf(page, 'Sessions');
    expect(sessions).to.match(
      /^Sessions Two sessions, on this device and others\. Firefox on Linux This session Signed in .*UTC ?, last seen .*UTC ?\. From 203\.0\.113\.7\. /,
    );
    expect(sessions).to.include('An unknown browser');
    // This one ends with the button at the top; the other one with its own.
    expect(pathsOn(page, /\/sessions\//)).to.have.length(1);
  });

  it('a browser that must sign in first comes back to the page it wanted', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const first = await web.get(`${gatehouse.url}/account/password`);
    const { email, password } = person;
    const challenge = await web.submit(first, '/prove/password', { email, password });
    const code = await nextCode(gatehouse, person.secret);
    const page = await web.submit(challenge, '/prove/totp', { code });
    expect(titleOf(page)).to.equal('Change password');
    expect(page.url.pathname).to.equal('/account/password');
  });

  describe('in grace', () => {
    it('has a banner whose link leads to enrolment at once', async () => {
      const person = await createExistingPerson(gatehouse);
      const web = createWeb(gatehouse.url);
      const first = await web.get(`${gatehouse.url}/account`);
      const setup = await web.submit(first, '/prove/password', { ...person });
      const page = await web.submit(setup, '/enrol-later');
      expect(page.text).to.match(/role="status"[\s\S]*7 days[\s\S]*>Set up 2FA</);
      expect(sectionOf(page, 'Authenticators')).to.include('No authenticator yet.');
      expect(sectionOf(page, 'Backup codes')).not.to.include('Get new backup codes');
      const asked = await web.get(new URL(pathOn(page, /set-up/), gatehouse.url));
      expect(titleOf(asked)).to.equal('Sign in');
      expect(asked.text).to.include(`value="${person.email}"`);
      const due = await web.submit(asked, '/prove/password', { ...person });
      expect(titleOf(due)).to.equal('Set up two-factor authentication');
      expect(due.text).not.to.include('Remind me later');
      const { page: done } = await enrolOn(web, due);
      expect(titleOf(done)).to.equal('Account');
      expect(done.text).not.to.include('Set up 2FA');
      expect(sectionOf(done, 'Authenticators')).to.include('One authenticator.');
    });

    it('Add authenticator leads there, too', async () => {
      const person = await createExistingPerson(gatehouse);
      const web = createWeb(gatehouse.url);
      const setup = await afterPassword(web, party, person);
      await web.submit(setup, '/enrol-later');
      const page = await web.get(`${gatehouse.url}/account`);
      expect(pathsOn(page, /authenticators|set-up/)).to.deep.equal([
        '/account/set-up',
        '/account/set-up',
      ]);
      const add = await web.get(`${gatehouse.url}/account/authenticators/add/totp`);
      expect(titleOf(add)).to.equal('Sign in');
    });
  });

  it('has no page for what does not exist', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { web } = await openAccount(gatehouse, person);
    for (const path of [
      '/account/authenticators/totp/nobody/rename',
      '/account/authenticators/totp/nobody/remove',
      '/account/authenticators/password/x/remove',
      '/account/authenticators/add/password',
      '/account/authenticators/add/backup-codes',
      '/account/applications/nobody/revoke',
      '/account/nowhere',
    ]) {
      expect((await web.get(`${gatehouse.url}${path}`)).status, path).to.equal(404);
    }
  });
});
