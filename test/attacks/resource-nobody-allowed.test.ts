// A third party reaches for an API that neither the operator nor the person has opened to it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
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
import { SQLITE } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const ORDERS = 'https://orders.example.com';
const BILLS = 'https://bills.example.com';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const PROFILE = { scope: 'openid profile email' };

describe('a resource that nobody has allowed', () => {
  let gatehouse: Gatehouse;
  let person: Person;
  let own: string;

  before(async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'resources.json');
    const resources = [
      { identifier: ORDERS, scopes: ['read', 'write'] },
      { identifier: BILLS, scopes: ['read'] },
    ];
    writeFileSync(file, JSON.stringify({ resources, ...WITHOUT_FACTOR }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
    own = `${gatehouse.url}/api`;
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const thirdParty = (...resources: string[]) =>
    createRelyingParty(gatehouse, { metadata: resources.length > 0 ? { resources } : {} });
  const redeemFor = (
    party: RelyingParty,
    { verifier }: { verifier: string },
    code: string,
    resource: string,
  ) =>
    party.token({
      grant_type: 'authorization_code',
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: verifier,
      resource,
    });
  const audienceOf = (body: Record<string, unknown>) => decodeJwt(String(body.access_token)).aud;

  describe('is out of reach for a third party that is not registered for it', () => {
    it('at the authorization endpoint, shown or silent, alone or beside another', async () => {
      for (const party of [await thirdParty(), await thirdParty(ORDERS)]) {
        const { web } = await signIn(gatehouse, party, person, { parameters: PROFILE });
        for (const resource of [own, BILLS, 'https://unknown.example.com']) {
          for (const prompt of [undefined, 'none', 'consent']) {
            const { url } = await web.get(party.url({ ...PROFILE, resource, prompt }).url);
            const error = url.searchParams.get('error');
            expect(error, `${resource} ${prompt}`).to.equal('invalid_target');
          }
        }
        const one = party.url({ ...PROFILE, resource: ORDERS }).url;
        const two = await web.get(`${one}&resource=${own}`);
        expect(two.url.searchParams.get('error')).to.equal('invalid_target');
      }
    });

    it('at the token endpoint: redeeming a code, refreshing, for a device', async () => {
      const party = await thirdParty();
      const { web, tokens } = await signIn(gatehouse, party, person);
      const request = party.url();
      const code = codeOf(await web.get(request.url));
      const redeemed = await redeemFor(party, request, code, own);
      expect([redeemed.status, redeemed.body.error]).to.deep.equal([400, 'invalid_target']);
      expect((await party.redeem(request, code)).status, 'the code is not spent').to.equal(200);
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      expect((await party.token({ ...refresh, resource: own })).body.error).to.equal(
        'invalid_target',
      );
      expect((await party.token(refresh)).status, 'nor the refresh token').to.equal(200);
    });

    it('in pushed requests and for devices', async () => {
      const grants = { grant_types: [DEVICE, 'authorization_code', 'refresh_token'] };
      const party = await createRelyingParty(gatehouse, { metadata: grants });
      const authorization = `Basic ${btoa(`${party.id}:${party.secret}`)}`;
      const pushed = new URL(party.url({ resource: own }).url).searchParams;
      for (const [path, body] of [
        ['/par', pushed],
        ['/device/authorize', new URLSearchParams({ scope: 'openid', resource: own })],
      ] as const) {
        const init = { method: 'POST', headers: { authorization }, body };
        const response = await fetch(`${gatehouse.url}${path}`, init);
        const { error } = (await response.json()) as { error: string };
        expect([response.status, error], path).to.deep.equal([400, 'invalid_target']);
      }
    });

    it('for a machine, which gets our own API and nothing else', async () => {
      const metadata = {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      };
      const machine = await createRelyingParty(gatehouse, { metadata });
      const grant = { grant_type: 'client_credentials' };
      expect(audienceOf((await machine.token(grant)).body)).to.equal(own);
      expect(audienceOf((await machine.token({ ...grant, resource: own })).body)).to.equal(own);
      const named = await machine.token({ ...grant, resource: ORDERS, scope: 'read' });
      expect(named.body.error).to.equal('invalid_target');
      const ours = await createRelyingParty(gatehouse, {
        metadata: { ...metadata, first_party: true },
      });
      const trusted = await ours.token({ ...grant, resource: ORDERS, scope: 'read' });
      expect(audienceOf(trusted.body)).to.equal(ORDERS);
    });
  });

  describe('is asked for before a registered third party gets it', () => {
    const asksFor = async (party: RelyingParty, resource: string) => {
      const { web } = await signIn(gatehouse, party, person, { parameters: PROFILE });
      const request = party.url({ ...PROFILE, resource });
      const silent = await web.get(party.url({ ...PROFILE, resource, prompt: 'none' }).url);
      expect(silent.url.searchParams.get('error')).to.be.oneOf([
        'consent_required',
        'interaction_required',
      ]);
      const page = await web.get(request.url);
      expect(titleOf(page)).to.equal('Allow access');
      expect(page.text).to.include(resource);
      return { web, request, page };
    };

    it('though no scope of it is asked for; once allowed it is allowed', async () => {
      const party = await thirdParty(own, ORDERS);
      for (const resource of [own, ORDERS]) {
        const { web, request, page } = await asksFor(party, resource);
        const allowed = await web.submit(page, '/consent', { decision: 'allow' });
        const { body } = await party.redeem(request, codeOf(allowed));
        expect(audienceOf(body)).to.equal(resource);
        const silent = party.url({ ...PROFILE, resource, prompt: 'none' });
        expect((await web.get(silent.url)).url.searchParams.get('code')).to.be.a('string');
      }
    });

    it('and whoever denies it has given nothing', async () => {
      const party = await thirdParty(own);
      const { web, page } = await asksFor(party, own);
      const denied = await web.submit(page, '/consent', { decision: 'deny' });
      expect(denied.url.searchParams.get('error')).to.equal('access_denied');
      const silent = await web.get(party.url({ ...PROFILE, resource: own, prompt: 'none' }).url);
      expect(silent.url.searchParams.get('code')).to.equal(null);
    });

    it('by a device, too', async () => {
      const metadata = {
        grant_types: [DEVICE, 'refresh_token'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'none',
        resources: [own],
      };
      const device = await createRelyingParty(gatehouse, { metadata });
      const connect = async (resource: string | undefined) => {
        const fields = { client_id: device.id, ...PROFILE, ...(resource ? { resource } : {}) };
        const body = new URLSearchParams(fields);
        const response = await fetch(`${gatehouse.url}/device/authorize`, { method: 'POST', body });
        return (await response.json()) as Record<string, string>;
      };
      const web = createWeb(gatehouse.url);
      const confirm = async ({ verification_uri: uri = '', user_code: code = '' }) => {
        const form = await web.submit(await web.get(uri), '/device', { user_code: code });
        return web.submit(form, '/device', { confirm: 'yes' });
      };
      const plain = await connect(undefined);
      expect(titleOf(await signInAt(web, await confirm(plain), person))).to.equal(
        'Device connected',
      );
      const poll = { grant_type: DEVICE, device_code: plain.device_code ?? '' };
      expect((await device.token({ ...poll, resource: own })).body.error).to.equal(
        'invalid_target',
      );
      expect((await device.token(poll)).status).to.equal(200);
      const wants = await connect(own);
      const asked = await confirm(wants);
      expect(titleOf(asked)).to.equal('Allow access');
      await allowIfAsked(web, asked);
      const { body } = await device.token({
        grant_type: DEVICE,
        device_code: wants.device_code ?? '',
      });
      expect(audienceOf(body)).to.equal(own);
    });

    it('at the token endpoint, with what the person has allowed and nothing else', async () => {
      const party = await thirdParty(own, ORDERS);
      const { web, tokens } = await signIn(gatehouse, party, person, {
        parameters: { ...PROFILE, resource: own },
      });
      const request = party.url(PROFILE);
      const code = codeOf(await web.get(request.url));
      expect((await redeemFor(party, request, code, ORDERS)).body.error).to.equal('invalid_target');
      const named = await redeemFor(party, request, code, own);
      expect(audienceOf(named.body)).to.equal(own);
      const refresh = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
      expect((await party.token({ ...refresh, resource: ORDERS })).body.error).to.equal(
        'invalid_target',
      );
      expect(audienceOf((await party.token(refresh)).body)).to.equal(own);
    });
  });

  it('ends for tokens that are out when the operator takes it from the client', async () => {
    const party = await thirdParty(own);
    const { tokens } = await signIn(gatehouse, party, person, { parameters: { resource: own } });
    await gatehouse.core.clients.update(party.id, { resources: null });
    const { body } = await party.refresh(tokens.refresh_token ?? '');
    expect(body.error).to.equal('invalid_target');
  });

  it('is no matter for an application of our own, at either endpoint', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const { web, tokens } = await signIn(gatehouse, party, person, {
      parameters: { resource: BILLS },
    });
    expect(decodeJwt(tokens.access_token).aud).to.equal(BILLS);
    const request = party.url();
    const code = codeOf(await web.get(request.url));
    expect(audienceOf((await redeemFor(party, request, code, own)).body)).to.equal(own);
  });
});
