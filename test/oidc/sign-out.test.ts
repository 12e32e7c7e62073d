// Signing out by what an application sends, right or wrong: nobody ends where nothing leads on.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type RelyingParty,
  type SignIn,
  signIn,
} from '../support/relying-party.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const HOME = 'https://app.example.com/';

describe('sign-out at an application', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let other: RelyingParty;
  let gone: string;
  let switchedOff: { id: string; hint: string };
  let compromised: string;
  let somebody: SignIn;

  before(async () => {
    gatehouse = await startGatehouse();
    party = await createRelyingParty(gatehouse);
    other = await createRelyingParty(gatehouse, {
      metadata: { post_logout_redirect_uris: ['https://other.example.com/'] },
    });
    const person = await createPerson(gatehouse);
    const { clients } = gatehouse.core;
    const hintOf = async (client: RelyingParty) =>
      (await signIn(gatehouse, client, person)).tokens.id_token ?? '';
    compromised = await hintOf(party);
    await gatehouse.core.keys.rotate({ urgency: 'compromised' });
    await gatehouse.core.renewKeys();
    const deleted = await createRelyingParty(gatehouse);
    gone = await hintOf(deleted);
    await clients.delete(deleted.id);
    const disabled = await createRelyingParty(gatehouse);
    switchedOff = { id: disabled.id, hint: await hintOf(disabled) };
    await clients.disable(disabled.id);
    somebody = await signIn(gatehouse, party, person);
  });
  after(() => gatehouse.stop());

  /** @returns what a browser sees that has a session, after the request */
  const ask = (web: Web, fields: Record<string, string>, method: 'GET' | 'POST'): Promise<Page> => {
    const address = `${gatehouse.url}/sign-out`;
    if (method === 'POST') return web.post(address, fields);
    return web.get(`${address}?${new URLSearchParams(fields)}`);
  };
  const signedIn = async () => {
    const person = await createPerson(gatehouse);
    const { web, tokens } = await signIn(gatehouse, party, person);
    return { web, hint: tokens.id_token ?? '' };
  };
  const isSignedIn = async (web: Web) =>
    titleOf(await web.copy().get(`${gatehouse.url}/account`)) === 'Account';

  /** Fields beside those of the row, where `HINT` is the hint of whoever is asked. */
  const wrong = (hint: string): Record<string, Record<string, string>> => {
    const back = { post_logout_redirect_uri: HOME, state: 'st' };
    const elsewhere = { post_logout_redirect_uri: 'https://evil.example.com/', state: 'st' };
    const [header, payload, signature = ''] = hint.split('.');
    const claims = { ...decodeJwt(hint), sub: 'usr_somebody_else' };
    const changed = Buffer.from(JSON.stringify(claims)).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    return {
      'an address that is not registered, with a hint': { ...elsewhere, id_token_hint: hint },
      'an address that is not registered, with a client': { ...elsewhere, client_id: party.id },
      'an address that is almost registered': {
        client_id: party.id,
        post_logout_redirect_uri: 'https://app.example.com',
      },
      'an address of another client': { ...back, client_id: other.id },
      'an address of nobody': back,
      'a hint that is no token': { ...back, id_token_hint: 'nonsense' },
      'a hint without a signature': { ...back, id_token_hint: `${none}.${payload}.` },
      'a hint of which a claim was changed': {
        ...back,
        id_token_hint: `${header}.${changed}.${signature}`,
      },
      'a hint whose signature was changed': {
        ...back,
        id_token_hint: `${header}.${payload}.${signature.slice(4)}AAAA`,
      },
      'a hint of a key that was compromised': { ...back, id_token_hint: compromised },
      'a hint of a client that is gone': { ...back, id_token_hint: gone },
      'an access token for a hint': {
        ...back,
        id_token_hint: somebody.tokens.access_token,
      },
      'a client that is not known': { ...back, client_id: 'app_unknown' },
      'a client that is not the hint’s': { ...back, id_token_hint: hint, client_id: other.id },
    };
  };

  it('is a bare question where something is wrong, and leads to nobody afterwards', async () => {
    const { web, hint } = await signedIn();
    for (const [what, fields] of Object.entries(wrong(hint))) {
      for (const method of ['GET', 'POST'] as const) {
        const page = await ask(web, fields, method);
        expect([page.status, titleOf(page)], `${what}, ${method}`).to.deep.equal([200, 'Sign out']);
        expect(page.text, what).not.to.match(/evil\.example|app\.example|other\.example/);
        expect(await isSignedIn(web), `${what}: not yet`).to.equal(true);
      }
    }
    const page = await ask(web, wrong(hint)['a hint that is no token'] ?? {}, 'GET');
    const done = await web.submit(page, '/confirm', { logout: 'yes' });
    expect(titleOf(done)).to.equal('Signed out');
    expect(done.url.origin).to.equal(gatehouse.url);
    expect(await isSignedIn(web)).to.equal(false);
  });

  it('has nothing to ask where nobody is signed in, whatever is wrong', async () => {
    const { hint } = await signedIn();
    for (const [what, fields] of Object.entries(wrong(hint))) {
      for (const method of ['GET', 'POST'] as const) {
        const page = await ask(createWeb(gatehouse.url), fields, method);
        expect([page.status, titleOf(page)], `${what}, ${method}`).to.deep.equal([
          200,
          'Signed out',
        ]);
      }
    }
  });

  it('leads back where everything is right', async () => {
    const back = { post_logout_redirect_uri: HOME, state: 'st' };
    const right = (hint: string): Record<string, Record<string, string>> => ({
      'by a hint': { ...back, id_token_hint: hint },
      'by a client': { ...back, client_id: party.id },
      'by both': { ...back, id_token_hint: hint, client_id: party.id },
      'by a hint of somebody else': {
        ...back,
        id_token_hint: somebody.tokens.id_token ?? '',
      },
      'by a hint of a client that is switched off': { ...back, id_token_hint: switchedOff.hint },
      'by a client that is switched off': { ...back, client_id: switchedOff.id },
    });
    for (const method of ['GET', 'POST'] as const) {
      for (const what of Object.keys(right(''))) {
        const { web, hint } = await signedIn();
        const page = await ask(web, right(hint)[what] ?? {}, method);
        expect(titleOf(page), `${what}, ${method}`).to.equal('Sign out');
        const done = await web.submit(page, '/confirm', { logout: 'yes' });
        expect(done.url.href).to.equal(`${HOME}?state=st`);
      }
    }
    const { web, hint } = await signedIn();
    await gatehouse.advance('2h');
    const page = await ask(web, { ...back, id_token_hint: hint }, 'GET');
    expect(titleOf(page), 'a hint that has expired').to.equal('Sign out');
    const done = await web.submit(page, '/confirm', { logout: 'yes' });
    expect(done.url.href).to.equal(`${HOME}?state=st`);
  });

  it('by a form of another site asks whoever is signed in, though it brings no cookie', async () => {
    const { web, hint } = await signedIn();
    const fields = { id_token_hint: hint, post_logout_redirect_uri: HOME, state: 's t' };
    const foreign = createWeb(gatehouse.url);
    const body = new URLSearchParams(fields);
    const answer = await foreign.once(`${gatehouse.url}/sign-out`, { method: 'POST', body });
    expect(answer.status).to.equal(303);
    expect(answer.headers.getSetCookie(), 'no session in the place of theirs').to.deep.equal([]);
    // What follows is a link: that brings the cookie.
    const page = await web.get(new URL(answer.headers.get('location') ?? '', gatehouse.url));
    expect(titleOf(page)).to.equal('Sign out');
    const done = await web.submit(page, '/confirm', { logout: 'yes' });
    expect(done.url.href).to.equal(`${HOME}?state=s+t`);
  });

  it('by two clicks ends once, and the second says so, too', async () => {
    const { web } = await signedIn();
    const page = await ask(web, {}, 'GET');
    const second = web.copy();
    await web.submit(page, '/confirm', { logout: 'yes' });
    expect(titleOf(await second.submit(page, '/confirm', { logout: 'yes' }))).to.equal(
      'Signed out',
    );
  });

  it('with something sent twice is refused, like everything that is', async () => {
    const { web } = await signedIn();
    const page = await web.get(`${gatehouse.url}/sign-out?state=a&state=b`);
    expect(page.status).to.equal(400);
  });
});
