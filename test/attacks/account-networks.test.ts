// A password, session or token that was stolen, used from a network that the account is not used from.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { auditRows, said } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { createEnrolledPerson } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, guess } from '../support/guesses.ts';
import { plain } from '../support/plain.ts';
import {
  codeOf,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { alertOf, createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const HOME = '192.0.2.7';
const RANGES = ['192.0.2.0/24'];
const NOT_FROM_HERE =
  "You can't use this account from your current network. Connect to an allowed network and try again.";

let networks = 0;
const elsewhere = () => {
  networks += 1;
  return `198.51.${networks}.7`;
};

onOneStore('an account with networks of its own', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: { ...BEHIND_PROXY, ...WITH_FACTOR } });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const confine = async <P extends Person>(person: P): Promise<P> => {
    const { core } = gatehouse;
    await core.allowAddresses(await core.accounts.get(person.id), RANGES, { actor: 'cli:test' });
    return person;
  };
  /** Existing people are let in with the password alone, as long as their grace lasts. */
  const confined = async () => confine(await createExistingPerson(gatehouse));

  /** A browser whose every request comes from one address, those after redirects too. */
  const at = (web: Web, from: string) => {
    const headers = { 'x-forwarded-for': from };
    const follow = async (page: Page): Promise<Page> => {
      const location = page.headers.get('location');
      const target = location && new URL(location, page.url);
      if (!target) return page;
      if (target.origin !== new URL(gatehouse.url).origin) return { ...page, url: target };
      return follow(await web.once(target, { headers }));
    };
    return {
      get: async (url: string | URL) => follow(await web.once(url, { headers })),
      submit: async (page: Page, action: string, fields: Record<string, string> = {}) => {
        const form = findForm(page, action);
        const type = { 'content-type': 'application/x-www-form-urlencoded' };
        const body = new URLSearchParams({ ...form.fields, ...fields }).toString();
        const init = { method: 'POST', headers: { ...headers, ...type }, body };
        return follow(await web.once(form.action, init));
      },
    };
  };
  const tryPassword = (person: Person, password: string, from: string) =>
    guess(party, person.email, password, { address: from });
  const signInFrom = async (person: Person, from: string) => {
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const page = await at(web, from).get(request.url);
    const { email, password } = person;
    const setUp = await at(web, from).submit(page, '/prove/password', { email, password });
    const last = await at(web, from).submit(setUp, '/enrol-later');
    const { body } = await party.redeem(request, codeOf(last));
    return { web, refreshToken: String(body.refresh_token) };
  };

  it('is told after the right password, and is signed in nowhere', async () => {
    const person = await confined();
    const page = await tryPassword(person, person.password, elsewhere());
    expect(page.status).to.equal(403);
    expect(titleOf(page)).to.equal('Sign in');
    expect(alertOf(page)).to.equal(NOT_FROM_HERE);
    await signInFrom(person, HOME);
    const rows = await auditRows(gatehouse, { accountId: person.id });
    expect(said(rows)).to.include('sign_in.password refused: address not allowed');
  });

  it('reads like any other before the password is right', async () => {
    const person = await confined();
    const pages = [
      await tryPassword(person, 'wrong', elsewhere()),
      await tryPassword({ ...person, email: 'nobody@example.com' }, 'wrong', elsewhere()),
    ];
    const [known, unknown] = pages.map((page, i) =>
      plain(page as Page, i === 0 ? person.email : 'nobody@example.com'),
    );
    expect(known?.status).to.equal(422);
    expect(known).to.deep.equal(unknown);
  });

  it('is no place to find out for ever whether a password still holds', async () => {
    const person = await confined();
    const from = elsewhere();
    const statuses = [];
    for (let i = 0; i < 6; i += 1) {
      statuses.push((await tryPassword(person, person.password, from)).status);
    }
    expect(statuses).to.deep.equal([403, 403, 403, 403, 403, 429]);
    await signInFrom(person, HOME);
  });

  it('has no code looked at from elsewhere, which stays good at home', async () => {
    const person = await confine(await createEnrolledPerson(gatehouse, party));
    const { email, password, secret } = person;
    const web = createWeb(gatehouse.url);
    const page = await at(web, HOME).get(party.url().url);
    const factor = await at(web, HOME).submit(page, '/prove/password', { email, password });
    const code = codeFor(secret);
    for (const tried of [code, '000000']) {
      const refused = await at(web, elsewhere()).submit(factor, '/prove/totp', { code: tried });
      expect(refused.status).to.equal(403);
      expect(alertOf(refused), 'the same for each').to.equal(NOT_FROM_HERE);
    }
    codeOf(await at(web, HOME).submit(factor, '/prove/totp', { code }));
  });

  it('is not signed in at the last step either', async () => {
    const person = await confined();
    const web = createWeb(gatehouse.url);
    const { email, password } = person;
    const page = await at(web, HOME).get(party.url().url);
    const setUp = await at(web, HOME).submit(page, '/prove/password', { email, password });
    const refused = await at(web, elsewhere()).submit(setUp, '/enrol-later');
    expect(refused.status).to.equal(403);
    expect(titleOf(refused)).to.equal('Something went wrong');
    expect(refused.text).to.include(NOT_FROM_HERE.replaceAll("'", '&#39;'));
    codeOf(await at(web, HOME).get(page.url));
  });

  it('is told by the page that the last form leads to, which Reload does not send again', async () => {
    const person = await confined();
    const web = createWeb(gatehouse.url);
    const { email, password } = person;
    const page = await at(web, HOME).get(party.url().url);
    const setUp = await at(web, HOME).submit(page, '/prove/password', { email, password });
    const { action, fields } = findForm(setUp, '/enrol-later');
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const headers = { 'x-forwarded-for': elsewhere(), ...type };
    const body = new URLSearchParams(fields).toString();
    expect((await web.once(action, { method: 'POST', headers, body })).status).to.equal(303);
  });

  it('is told over JSON, after the right password, and its code is not looked at', async () => {
    const app = await createApplication(gatehouse);
    const call = (path: string, body: object, from: string) =>
      app.post(path, body, { headers: { 'x-forwarded-for': from } });
    const { email, password, secret } = await confine(await createEnrolledPerson(gatehouse, party));
    const away = elsewhere();
    const wrong = await call('login', { email, password: 'wrong' }, away);
    expect([wrong.status, wrong.body.error]).to.deep.equal([401, 'invalid_credentials']);
    const code = { totp_code: codeFor(secret) };
    const right = await call('login', { email, password, ...code }, away);
    expect([right.status, right.body.error]).to.deep.equal([403, 'ip_not_allowed']);
    const { body } = await call('login', { email, password }, HOME);
    const later = await call('mfa', { session_id: body.session_id, ...code }, away);
    expect([later.status, later.body.error]).to.deep.equal([403, 'ip_not_allowed']);
    const done = await call('mfa', { session_id: body.session_id, ...code }, HOME);
    expect(done.status, 'the code is unspent').to.equal(200);
    const refreshToken = done.body.refreshToken;
    const refused = await call('refresh', { refreshToken }, away);
    expect([refused.status, refused.body.error]).to.deep.equal([401, 'invalid_refresh_token']);
    expect((await call('refresh', { refreshToken }, HOME)).status).to.equal(200);
  });

  it('refreshes from its networks alone, and loses nothing by the attempt', async () => {
    const person = await confined();
    const { refreshToken } = await signInFrom(person, HOME);
    const refresh = async (from: string) => {
      const response = await fetch(`${gatehouse.url}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${party.id}:${party.secret}`)}`,
          'x-forwarded-for': from,
        },
        body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
      });
      return { status: response.status, body: (await response.json()) as { error?: string } };
    };
    const refused = await refresh(elsewhere());
    expect(refused).to.deep.include({ status: 400 });
    expect(refused.body.error).to.equal('invalid_grant');
    expect((await refresh(HOME)).status).to.equal(200);
  });

  it('is signed out as far as other networks can see', async () => {
    const person = await createExistingPerson(gatehouse);
    const from = elsewhere();
    const { web } = await signInFrom(person, from);
    codeOf(await at(web.copy(), from).get(party.url().url));
    await confine(person);
    const page = await at(web.copy(), from).get(party.url().url);
    expect(titleOf(page)).to.equal('Sign in');
    const silent = await at(web.copy(), from).get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    const account = await at(web.copy(), from).get(`${gatehouse.url}/account`);
    expect(titleOf(account)).to.equal('Sign in');
    codeOf(await at(web.copy(), HOME).get(party.url().url));
    expect(titleOf(await at(web.copy(), HOME).get(`${gatehouse.url}/account`))).to.equal('Account');
  });
});
