// Requests that lose a race or are refused: they hand out nothing and cost nobody anything.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  REDIRECT_URI,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onOneStoreExcept(/race|at once/, 'lost and refused requests', (store) => {
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

  it('who loses the race for a resume gets no session cookie', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const proved = await web.once(`${page.url}/prove/password`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        csrf,
        email: person.email,
        password: person.password,
      }).toString(),
    });
    const resume = proved.headers.get('location') ?? '';
    const answers = await Promise.all(Array.from({ length: 10 }, () => web.copy().once(resume)));
    const { pathname } = page.url;
    const losers = answers.filter(({ headers }) => headers.get('location') === pathname);
    expect(losers.length).to.equal(9);
    for (const { headers } of losers) {
      expect(
        headers.getSetCookie().filter((line) => line.startsWith('gatehouse_session')),
      ).to.deep.equal([]);
    }
  });

  it('a refresh refused for a wrong resource costs no token', async () => {
    const { tokens } = await signIn(gatehouse, party, person);
    const token = tokens.refresh_token ?? '';
    const wrong = await party.token({
      grant_type: 'refresh_token',
      refresh_token: token,
      resource: 'https://unknown.example.com',
    });
    expect(wrong.body.error).to.equal('invalid_target');
    await gatehouse.advance('10s');
    expect((await party.refresh(token)).status).to.equal(200);
  });

  it('a redemption refused for a wrong resource costs no code and no older token', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const request = party.url();
    const code = codeOf(await web.get(request.url));
    const wrong = await party.token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: request.verifier,
      resource: 'https://unknown.example.com',
    });
    expect(wrong.body.error).to.equal('invalid_target');
    expect((await party.redeem(request, code)).status).to.equal(200);
    expect((await party.userinfo(tokens.access_token)).status).to.equal(200);
  });

  it('a refresh token that was just replaced can still be revoked, with its family', async () => {
    const { tokens } = await signIn(gatehouse, party, person);
    const next = await party.refresh(tokens.refresh_token ?? '');
    await party.revoke(tokens.refresh_token ?? '');
    expect((await party.refresh(String(next.body.refresh_token))).body.error).to.equal(
      'invalid_grant',
    );
  });

  it('two people in two tabs: the second sign-in ends the first session, with pages of ours', async () => {
    const other = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const one = await web.get(party.url().url);
    const two = await web.get(party.url().url);
    codeOf(await signInAt(web, two, other));
    const answer = await web.submit(one, '/prove/password', { ...person });
    expect(answer.text).not.to.include('Submitting Callback');
    codeOf(await allowIfAsked(web, answer));
    const mine = await signIn(gatehouse, party, person, { web });
    expect(decodeJwt(mine.tokens.id_token ?? '').sub).to.equal(person.id);
  });

  it('Stay signed in changes nothing', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://app.example.com/',
      state: 'st',
    });
    const page = await web.get(`${gatehouse.url}/sign-out?${query}`);
    const stay = /<form class="form" method="get" action="([^"]+)">([\s\S]*?)<\/form>/.exec(
      page.text,
    );
    expect(stay?.[1]).to.equal('https://app.example.com/');
    expect(stay?.[2]).to.include('name="state" value="st"').and.include('Stay signed in');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(200);
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
  });

  it('signing out takes the cookie back', async () => {
    const { web } = await signIn(gatehouse, party, person);
    expect(web.cookies().map(({ name }) => name)).to.include('gatehouse_session');
    await web.submit(await web.get(`${gatehouse.url}/sign-out`), '/confirm', { logout: 'yes' });
    expect(web.cookies().map(({ name }) => name)).not.to.include('gatehouse_session');
  });

  it('an access token says of the person only what was asked for', async () => {
    const metadata = { resources: [`${gatehouse.url}/api`] };
    const other = await createRelyingParty(gatehouse, { metadata });
    await signIn(gatehouse, other, person, { parameters: { scope: 'openid email profile' } });
    const own = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    for (const client of [other, own]) {
      const parameters = { scope: 'openid', resource: `${gatehouse.url}/api` };
      const { tokens } = await signIn(gatehouse, client, person, { parameters });
      expect(decodeJwt(tokens.access_token)).not.to.have.any.keys('email', 'name');
    }
    const parameters = { scope: 'openid email', resource: `${gatehouse.url}/api` };
    const { tokens } = await signIn(gatehouse, own, person, { parameters });
    expect(decodeJwt(tokens.access_token)).to.include({ email: person.email });
    const less = await own.token({
      grant_type: 'refresh_token',
      refresh_token: tokens.refresh_token ?? '',
      scope: 'openid',
    });
    expect(decodeJwt(String(less.body.access_token))).not.to.have.any.keys('email');
  });

  it('the device page without a session starts anew', async () => {
    const posted = await createWeb(gatehouse.url).post(`${gatehouse.url}/device`, {
      user_code: 'BBBB-BBBB',
    });
    expect(posted.status).to.equal(200);
    expect(titleOf(posted)).to.equal('Connect a device');
    const resumed = await createWeb(gatehouse.url).get(`${gatehouse.url}/device/unknown`);
    expect(resumed.status).to.equal(410);
  });

  it('a user code allowed by two people at once belongs to one of them', async () => {
    const metadata = {
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'none',
    };
    const device = await createRelyingParty(gatehouse, { metadata });
    const started = await fetch(`${gatehouse.url}/device/authorize`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: device.id, scope: 'openid' }),
    });
    const { device_code: deviceCode, user_code: userCode } = (await started.json()) as Record<
      string,
      string
    >;
    const people = [person, await createPerson(gatehouse)];
    const webs = await Promise.all(people.map((each) => signIn(gatehouse, party, each)));
    const confirms = await Promise.all(
      webs.map(async ({ web }) => {
        const page = await web.get(`${gatehouse.url}/device`);
        return { web, page: await web.submit(page, '/device', { user_code: userCode ?? '' }) };
      }),
    );
    await Promise.all(
      confirms.map(async ({ web, page }) => {
        const next = await web.submit(page, '/device', { confirm: 'yes' });
        await allowIfAsked(web, next).catch(() => undefined);
      }),
    );
    const answer = await device.token({
      grant_type: metadata.grant_types[0] ?? '',
      device_code: deviceCode ?? '',
    });
    if (answer.status === 200) {
      const { sub } = decodeJwt(String(answer.body.id_token));
      expect(people.map(({ id }) => id)).to.include(sub);
    } else
      expect(answer.body.error).to.be.oneOf([
        'access_denied',
        'invalid_grant',
        'authorization_pending',
      ]);
  });

  it('a party that never answers delays nobody else', async () => {
    const silent = createServer(() => undefined);
    const heard: string[] = [];
    const good = createServer((_request, response) => {
      heard.push('logout');
      response.end();
    });
    for (const server of [silent, good]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    }
    const at = (server: typeof good) =>
      `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const deaf = await createRelyingParty(gatehouse, {
      metadata: { backchannel_logout_uri: at(silent) },
    });
    const told = await createRelyingParty(gatehouse, {
      metadata: { backchannel_logout_uri: at(good) },
    });
    const sessions = await Promise.all(
      Array.from({ length: 8 }, async () => signIn(gatehouse, deaf, await createPerson(gatehouse))),
    );
    const last = await signIn(gatehouse, told, person);
    for (const { web } of [...sessions, last]) {
      await web.submit(await web.get(`${gatehouse.url}/account`), '/account/sign-out');
    }
    const all = gatehouse.core.deliver();
    const waiting = setTimeout(() => undefined, 60_000);
    while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    clearTimeout(waiting);
    // The good one was told while the others still hang.
    expect(await Promise.race([all, Promise.resolve('hanging')])).to.equal('hanging');
    silent.closeAllConnections();
    silent.close();
    good.close();
    good.closeAllConnections();
    await all;
  });

  it('a client cannot require an acr that nobody knows', async () => {
    const metadata = { require_acr: 'urn:gatehouse:acr:mfaa' };
    const refused = await createRelyingParty(gatehouse, { metadata }).catch(
      (error: unknown) => error,
    );
    expect(refused).to.include({ code: 'invalid_input' });
  });

  it('a page without an origin may not read tokens', async () => {
    const native = await createRelyingParty(gatehouse, {
      metadata: {
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['com.example.app:/callback'],
      },
    });
    const answer = await fetch(`${gatehouse.url}/token`, {
      method: 'POST',
      headers: { origin: 'null' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: 'x',
        client_id: native.id,
      }),
    });
    expect(answer.headers.get('access-control-allow-origin')).to.equal(null);
  });
});
