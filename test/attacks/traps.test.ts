// Ways in which the library, used as it comes, lets things through or falls over.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  CLIENT_URI,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onOneStoreExcept(/at once/, 'traps of the engine', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const signOut = async (web: ReturnType<typeof createWeb>) => {
    const page = await web.get(`${gatehouse.url}/sign-out`);
    return web.submit(page, '/confirm', { logout: 'yes' });
  };

  it('a session ended during an authorization request stays ended', async () => {
    const { web } = await signIn(gatehouse, party, person);
    const other = web.copy();
    // The request is held between loading its session and saving it: at the look-up of the client.
    const { Client } = gatehouse.core.provider();
    const find = Client.find;
    let release = () => undefined as unknown;
    const held = new Promise<void>((arrived) => {
      Client.find = async (id: string) => {
        Client.find = find;
        arrived();
        await new Promise<void>((resolve) => {
          release = () => resolve();
        });
        return find.call(Client, id);
      };
    });
    const running = other.get(party.url({ prompt: 'none' }).url);
    await held;
    expect(titleOf(await signOut(web))).to.equal('Signed out');
    release();
    const answer = await running;
    expect(answer.url.searchParams.get('code')).to.equal(null);
    const later = await other.get(party.url({ prompt: 'none' }).url);
    expect(later.url.searchParams.get('error')).to.equal('login_required');
    const cookies = createWeb(gatehouse.url, web.cookies());
    const replayed = await cookies.get(party.url({ prompt: 'none' }).url);
    expect(replayed.url.searchParams.get('error')).to.equal('login_required');
  });

  it('a resumed request is resumed once', async () => {
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const page = await web.get(request.url);
    const consent = await web.submit(page, '/prove/password', { ...person });
    const before = web.copy();
    const uid = consent.url.pathname.split('/').at(-1);
    const first = await web.submit(consent, '/consent', { decision: 'allow' });
    expect((await party.redeem(request, codeOf(first))).status).to.equal(200);
    const again = await before.get(`${gatehouse.url}/authorize/${uid}`);
    expect(again.url.searchParams.get('code')).to.equal(null);
    expect([again.status, again.url.href]).to.deep.equal([303, CLIENT_URI]);
  });

  it('two resumes at once bring one code', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const consent = await web.submit(page, '/prove/password', { ...person });
    const uid = consent.url.pathname.split('/').at(-1);
    const form = await web.once(`${gatehouse.url}/sign-in/${uid}`);
    const csrf = /name="csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? '';
    const decided = await web.once(`${gatehouse.url}/sign-in/${uid}/consent`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrf, decision: 'allow' }).toString(),
    });
    expect(decided.status).to.equal(303);
    const copies = Array.from({ length: 10 }, () => web.copy());
    const resumed = await Promise.all(
      copies.map((copy) => copy.once(decided.headers.get('location') ?? '')),
    );
    const codes = resumed.map(({ headers }) => headers.get('location')?.includes('code='));
    expect(codes.filter(Boolean)).to.have.length(1);
  });

  it('a client with refresh tokens gets one without offline_access, bound to the session', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const refreshed = await party.refresh(tokens.refresh_token ?? '');
    expect(refreshed.status).to.equal(200);
    await signOut(web);
    const after = await party.refresh(String(refreshed.body.refresh_token));
    expect(after.body.error).to.equal('invalid_grant');
    expect((await party.userinfo(String(refreshed.body.access_token))).status).to.equal(401);
  });

  it('with offline_access consented a refresh token outlives the session', async () => {
    const parameters = { scope: 'openid offline_access', prompt: 'consent' };
    const { web, tokens } = await signIn(gatehouse, party, person, { parameters });
    expect(tokens.scope).to.include('offline_access');
    await signOut(web);
    expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
  });

  it('a resource named only at the authorization endpoint is the audience', async () => {
    const resource = `${gatehouse.url}/api`;
    const parameters = { resource, scope: 'openid email' };
    const party = await createRelyingParty(gatehouse, { metadata: { resources: [resource] } });
    const { tokens } = await signIn(gatehouse, party, person, { parameters });
    const claims = decodeJwt(tokens.access_token);
    expect(claims).to.include({ aud: resource, sub: person.id, client_id: party.id });
    expect(claims).to.include.keys('jti', 'iat', 'exp', 'auth_time', 'acr', 'amr', 'sid', 'email');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
    const refreshed = await party.refresh(tokens.refresh_token ?? '');
    expect(decodeJwt(String(refreshed.body.access_token)).aud).to.equal(resource);
  });

  it('an account that is gone is asked to sign in, and its tokens are dead', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const { store: database } = gatehouse.core;
    await database.write(
      database.compile(database.sql('accounts').where({ id: person.id }).del(), 1),
    );
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    expect(titleOf(await web.get(party.url().url))).to.equal('Sign in');
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    expect((await party.refresh(tokens.refresh_token ?? '')).body.error).to.equal('invalid_grant');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
  });

  for (const [status, ends] of [
    ['suspended', 'Your sign-in expired'],
    ['locked', 'login_required'],
  ] as const) {
    it(`an account ${status} in mid-flow gets no code`, async () => {
      const web = createWeb(gatehouse.url);
      const page = await web.get(party.url().url);
      const consent = await web.submit(page, '/prove/password', { ...person });
      expect(titleOf(consent)).to.equal('Allow access');
      const { store: database } = gatehouse.core;
      const row = database.sql('accounts').where({ id: person.id }).update({ status });
      await database.write(database.compile(row, 1));
      const answer = await web.submit(consent, '/consent', { decision: 'allow' });
      expect(answer.url.searchParams.get('code')).to.equal(null);
      expect([titleOf(answer), answer.url.searchParams.get('error')]).to.include(ends);
    });
  }

  it('a generation raised between sign-in and resume refuses the resume', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const consent = await web.submit(page, '/prove/password', { ...person });
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: person.id }).increment('generation', 1);
    await database.write(database.compile(row, 1));
    const uid = consent.url.pathname.split('/').at(-1);
    const answer = await web.get(`${gatehouse.url}/sign-in/${uid}`);
    expect(answer.url.searchParams.get('code')).to.equal(null);
    expect(titleOf(answer)).to.equal('Your sign-in expired');
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
  });

  it('switching to another account ends the first session and asks nothing twice', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const other = await createPerson(gatehouse);
    const page = await web.get(party.url({ prompt: 'login' }).url);
    const answer = await signInAt(web, page, other);
    codeOf(answer);
    expect((await party.refresh(tokens.refresh_token ?? '')).body.error).to.equal('invalid_grant');
    const { tokens: mine } = await signIn(gatehouse, party, other, { web });
    expect(decodeJwt(mine.id_token ?? '').sub).to.equal(other.id);
  });

  it('signing out without a session says so and asks nothing', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(`${gatehouse.url}/sign-out`);
    expect(titleOf(page)).to.equal('Signed out');
    const query = new URLSearchParams({
      client_id: party.id,
      post_logout_redirect_uri: 'https://app.example.com/',
      state: 'st',
    });
    const back = await web.get(`${gatehouse.url}/sign-out?${query}`);
    expect(back.url.href).to.equal('https://app.example.com/?state=st');
  });

  it('a session unused for a day asks again, one unused for less does not', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    await gatehouse.advance('23h');
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
    await gatehouse.advance('23h');
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
    await gatehouse.advance('25h');
    for (const _ of [1, 2]) {
      const silent = await web.get(party.url({ prompt: 'none' }).url);
      expect(silent.url.searchParams.get('error')).to.equal('login_required');
    }
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    // An idle browser does not end the tokens of an application that is in use.
    expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
  });

  it('max_age, prompt=login and acr_values are real', async () => {
    const { web } = await signIn(gatehouse, party, person);
    expect(titleOf(await web.get(party.url({ prompt: 'login' }).url))).to.equal('Sign in');
    await gatehouse.advance('90s');
    expect(titleOf(await web.get(party.url({ max_age: '60' }).url))).to.equal('Sign in');
    codeOf(await web.get(party.url({ max_age: '3600' }).url));
    const acr = 'urn:gatehouse:acr:';
    codeOf(await web.get(party.url({ acr_values: `${acr}mfa ${acr}password unknown` }).url));
    codeOf(await web.get(party.url({ acr_values: 'unknown' }).url));
    const claims = '{"id_token":{"acr":{"essential":true,"value":"unknown"}}}';
    const unknown = await web.get(party.url({ claims }).url);
    expect(unknown.url.searchParams.get('error')).to.equal('unmet_authentication_requirements');
    const silent = await web.get(party.url({ prompt: 'none', acr_values: `${acr}mfa` }).url);
    expect(silent.url.searchParams.get('error')).to.be.oneOf([
      'login_required',
      'unmet_authentication_requirements',
    ]);
    const page = await web.get(party.url({ acr_values: `${acr}mfa` }).url);
    // A password does not reach it, whoever has proved it: a second factor is set up first.
    const answer = await signInAt(web, page, person);
    expect(titleOf(answer)).to.equal('Set up two-factor authentication');
  });

  it('consent is remembered, and asked again for more and by prompt=consent', async () => {
    const { web } = await signIn(gatehouse, party, person);
    codeOf(await web.get(party.url().url));
    const more = await web.get(party.url({ scope: 'openid email profile' }).url);
    expect(titleOf(more)).to.equal('Allow access');
    expect(
      (await web.submit(more, '/consent', { decision: 'deny' })).url.searchParams.get('error'),
    ).to.equal('access_denied');
    const asked = await web.get(party.url({ prompt: 'consent' }).url);
    expect(titleOf(asked)).to.equal('Allow access');
  });
});
