// A client that is disabled: nothing of it works at any door, and people are told on a page.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { auditRows, eachTime } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { OPAQUE_API, WITH_RESOURCES } from '../support/machine.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  relyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onBothStores, onOneStore } from '../support/stores.ts';
import { createWeb, type Page, titleOf } from '../support/web.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', DEVICE];

onOneStore('a disabled client', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
  });
  beforeEach(async () => {
    party = await createRelyingParty(gatehouse, { metadata: { grant_types: GRANTS } });
  });
  after(() => gatehouse.stop());

  const disable = () => gatehouse.core.clients.disable(party.id);
  const post = (path: string, fields: Record<string, string>) =>
    fetch(`${gatehouse.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${party.id}:${party.secret}`)}` },
      body: new URLSearchParams(fields),
    });
  const signedIn = async () => signIn(gatehouse, party, await createPerson(gatehouse));
  const isSwitchedOff = (page: Page) => {
    expect(page.status).to.equal(403);
    expect(page.url.origin, 'nobody is sent there').to.equal(gatehouse.url);
    expect(titleOf(page)).to.equal('Something went wrong');
    expect(page.text).to.include('This application is disabled.');
    expect(page.text).to.match(/[0-9A-HJKMNP-TV-Z]{10}/);
  };
  const reasons = async () => {
    const rows = await auditRows(gatehouse, { kind: 'client.refused' });
    return eachTime(rows)
      .filter(({ clientId }) => clientId === party.id)
      .map(({ reason, detail }) => `${detail.endpoint}: ${reason}`);
  };

  it('starts no sign-in, also where somebody is signed in already', async () => {
    const { web } = await signedIn();
    await disable();
    isSwitchedOff(await createWeb(gatehouse.url).get(party.url().url));
    isSwitchedOff(await web.get(party.url().url));
    isSwitchedOff(await web.get(party.url({ prompt: 'none' }).url));
    expect(await reasons()).to.deep.equal(Array(3).fill('authorization: client disabled'));
    await gatehouse.core.clients.enable(party.id);
    codeOf(await web.get(party.url().url));
  });

  it('ends no sign-in that had begun', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    await disable();
    const { email, password } = person;
    isSwitchedOff(await web.get(page.url));
    isSwitchedOff(await web.submit(page, '/prove/password', { email, password }));
    const account = await web.get(`${gatehouse.url}/account`);
    expect(titleOf(account), 'and nobody is signed in by it').to.equal('Sign in');
  });

  it('is not resumed', async () => {
    const web = createWeb(gatehouse.url);
    const person = await createPerson(gatehouse);
    const page = await web.get(party.url().url);
    const { email, password } = person;
    const consent = await web.submit(page, '/prove/password', { email, password });
    expect(titleOf(consent)).to.equal('Allow access');
    await disable();
    const uid = consent.url.pathname.split('/').at(-1);
    isSwitchedOff(await web.get(`${gatehouse.url}/authorize/${uid}`));
  });

  it('gets nothing at the token endpoint by any grant', async () => {
    const { tokens } = await signedIn();
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const page = await signInAt(web, await web.get(request.url), await createPerson(gatehouse));
    const started = await post('/device/authorize', { scope: 'openid' });
    const { device_code: device } = (await started.json()) as { device_code: string };
    await disable();
    const answers = [
      await party.redeem(request, codeOf(page)),
      await party.refresh(tokens.refresh_token ?? ''),
      await party.token({ grant_type: 'client_credentials' }),
      await party.token({ grant_type: DEVICE, device_code: device }),
    ];
    for (const { status, body } of answers) {
      expect({ status, error: body.error }).to.deep.equal({ status: 401, error: 'invalid_client' });
    }
    const unknown = await relyingParty(gatehouse.url, 'app_unknown', 'x').token({
      grant_type: 'client_credentials',
    });
    expect(answers[0]?.body.error_description).to.equal(unknown.body.error_description);
    expect(await reasons()).to.deep.equal(Array(4).fill('token: client disabled'));
    await gatehouse.core.clients.enable(party.id);
    expect((await party.refresh(tokens.refresh_token ?? '')).status, 'nothing was spent').to.equal(
      200,
    );
  });

  it('asks nothing, and its tokens are inactive for others', async () => {
    const { tokens } = await signedIn();
    await gatehouse.core.clients.update(party.id, { resources: [OPAQUE_API] });
    const parameters = { scope: 'openid read', resource: OPAQUE_API };
    const person = await createPerson(gatehouse);
    const forApi = (await signIn(gatehouse, party, person, { parameters })).tokens.access_token;
    const metadata = { ...MACHINE, resources: [OPAQUE_API] };
    const api = await createRelyingParty(gatehouse, { metadata });
    const isActive = async () => (await api.introspect(forApi)).body.active;
    expect(await isActive()).to.equal(true);
    await disable();
    expect(await isActive()).to.equal(false);
    expect((await party.introspect(tokens.access_token)).status).to.equal(401);
    expect((await party.revoke(tokens.access_token)).status).to.equal(401);
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
    for (const path of ['/par', '/device/authorize']) {
      const answer = await post(path, { scope: 'openid' });
      expect(answer.status, path).to.equal(401);
    }
    await gatehouse.core.clients.delete(party.id);
    expect(await isActive(), 'nor when it is gone').to.equal(false);
  });

  it('connects no device', async () => {
    const started = await post('/device/authorize', { scope: 'openid' });
    const { user_code: code } = (await started.json()) as { user_code: string };
    const [early, late] = [createWeb(gatehouse.url), createWeb(gatehouse.url)];
    const form = await late.get(`${gatehouse.url}/device`);
    const typed = await early.get(`${gatehouse.url}/device`);
    const confirm = await early.submit(typed, '/device', { user_code: code });
    expect(confirm.text).to.include('value="yes"');
    await disable();
    isSwitchedOff(await late.submit(form, '/device', { user_code: code }));
    isSwitchedOff(await early.submit(confirm, '/device', { confirm: 'yes' }));
  });

  it('signs nobody in over JSON, and refreshes nothing there', async () => {
    const app = await createApplication(gatehouse);
    const { email, password } = await createPerson(gatehouse);
    const { body } = await app.post('login', { email, password });
    expect(body.token).to.be.a('string');
    await gatehouse.core.clients.disable(app.id);
    for (const [path, sent] of [
      ['login', { email, password }],
      ['refresh', { refreshToken: body.refreshToken }],
    ] as const) {
      const answer = await app.post(path, sent);
      expect([answer.status, answer.body.error], path).to.deep.equal([401, 'invalid_client']);
    }
  });

  it('keeps nobody from signing out', async () => {
    const { web, tokens } = await signedIn();
    await disable();
    const query = new URLSearchParams({ id_token_hint: tokens.id_token ?? '' });
    const page = await web.get(`${gatehouse.url}/sign-out?${query}`);
    expect(titleOf(page)).to.equal('Sign out');
    const done = await web.submit(page, '/confirm', { logout: 'yes' });
    expect(titleOf(done)).to.equal('Signed out');
  });

  it('is disabled once, and both acts stand in the audit', async () => {
    await disable();
    const again = await disable().catch((error: Error) => error.message);
    expect(again).to.equal('The client is disabled already.');
    await gatehouse.core.clients.enable(party.id);
    const rows = (await auditRows(gatehouse)).filter(({ clientId }) => clientId === party.id);
    expect(rows.map(({ kind }) => kind)).to.deep.equal([
      'admin.client_created',
      'admin.client_disabled',
      'admin.client_enabled',
    ]);
  });
});

onBothStores('a disabled client on two processes', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store);
  });
  after(() => pair.stop());

  it('refreshes nothing anywhere, from the next request on', async () => {
    const party = await createRelyingParty(pair);
    const { tokens } = await signIn(pair, party, await createPerson(pair));
    const [, other] = pair.processes;
    const first = await party.refresh(tokens.refresh_token ?? '', other.url);
    expect(first.status).to.equal(200);
    await pair.core.clients.disable(party.id);
    for (const { url } of pair.processes) {
      const answer = await party.refresh(String(first.body.refresh_token), url);
      expect(answer.body.error).to.equal('invalid_client');
    }
  });
});
