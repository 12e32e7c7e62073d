// The parts of the protocol beside the plain code flow, each once from end to end.

import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWTVerifyResult,
  jwtVerify,
  SignJWT,
} from 'jose';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  REDIRECT_URI,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { expectLifetime } from '../support/signing.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeb, findForm, titleOf } from '../support/web.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

onOneStoreExcept(/used once|new once/, 'the protocol', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    const database = await store.createMigrated();
    const extra = join(database.dataDir, 'resources.json');
    writeFileSync(extra, JSON.stringify({ resources: RESOURCES, ...WITHOUT_FACTOR }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: extra } });
    party = await createRelyingParty(gatehouse);
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const verify = (token: string, audience: string): Promise<JWTVerifyResult> =>
    jwtVerify(token, createRemoteJWKSet(new URL(`${gatehouse.url}/jwks`)), {
      issuer: gatehouse.url,
      audience,
    });

  describe('access tokens for resources', () => {
    const metadata = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
    for (const [identifier, alg] of [
      ['https://rs256.example.com', 'RS256'],
      ['https://es256.example.com', 'ES256'],
      ['https://eddsa.example.com', 'EdDSA'],
    ] as const) {
      it(`are signed with ${alg} where the resource says so`, async () => {
        const machine = await createRelyingParty(gatehouse, {
          metadata: { ...metadata, resources: [identifier] },
        });
        const answer = await machine.token({
          grant_type: 'client_credentials',
          resource: identifier,
          scope: 'read',
        });
        const { payload, protectedHeader } = await verify(
          String(answer.body.access_token),
          identifier,
        );
        expect(protectedHeader).to.include({ alg, typ: 'at+jwt' });
        expect(payload).to.include({ scope: 'read', client_id: machine.id, sub: machine.id });
        expectLifetime(payload, 900);
      });
    }

    it('go to our own API where a machine names none', async () => {
      const machine = await createRelyingParty(gatehouse, { metadata });
      const answer = await machine.token({ grant_type: 'client_credentials' });
      await verify(String(answer.body.access_token), `${gatehouse.url}/api`);
    });

    it('are limited to what the client may ask for', async () => {
      const limits = { resources: ['https://rs256.example.com'], scope: 'read' };
      const machine = await createRelyingParty(gatehouse, { metadata: { ...metadata, ...limits } });
      const ask = (resource: string, scope: string) =>
        machine.token({ grant_type: 'client_credentials', resource, scope });
      expect((await ask('https://es256.example.com', 'read')).body.error).to.equal(
        'invalid_target',
      );
      expect((await ask('https://rs256.example.com', 'read')).body.scope).to.equal('read');
      expect((await ask('https://rs256.example.com', 'read write')).body.error).to.equal(
        'invalid_scope',
      );
    });

    it('opaque ones can be introspected and revoked', async () => {
      const resource = 'https://opaque.example.com';
      const registered = { ...metadata, resources: [resource] };
      const machine = await createRelyingParty(gatehouse, { metadata: registered });
      const answer = await machine.token({ grant_type: 'client_credentials', resource });
      const token = String(answer.body.access_token);
      expect((await machine.introspect(token)).body).to.include({ active: true, aud: resource });
      expect((await machine.revoke(token)).status).to.equal(200);
      expect((await machine.introspect(token)).body).to.deep.equal({ active: false });
    });
  });

  it('ID tokens are signed as the client wants', async () => {
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      const metadata = { id_token_signed_response_alg: alg };
      const client = await createRelyingParty(gatehouse, { metadata });
      const { tokens } = await signIn(gatehouse, client, person);
      const { protectedHeader } = await verify(tokens.id_token ?? '', client.id);
      expect(protectedHeader.alg).to.equal(alg);
    }
  });

  it('revoking a refresh token ends its family', async () => {
    const { tokens } = await signIn(gatehouse, party, person);
    await party.revoke(tokens.refresh_token ?? '');
    expect((await party.refresh(tokens.refresh_token ?? '')).body.error).to.equal('invalid_grant');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
  });

  it('a refresh token lives seven days from its own issue, a family with its session', async () => {
    const client = await createRelyingParty(gatehouse);
    let { refresh_token: token = '' } = (await signIn(gatehouse, client, person)).tokens;
    for (const _ of [1, 2]) {
      await gatehouse.advance('6d');
      const answer = await client.refresh(token);
      expect(answer.status).to.equal(200);
      token = String(answer.body.refresh_token);
    }
    await gatehouse.advance('3d');
    expect((await client.refresh(token)).body.error).to.equal('invalid_grant');
  });

  it('a pushed authorization request is used once', async () => {
    const request = party.url();
    const parameters = Object.fromEntries(new URL(request.url).searchParams);
    const authorization = `Basic ${Buffer.from(`${party.id}:${party.secret}`).toString('base64')}`;
    const pushed = await fetch(`${gatehouse.url}/par`, {
      method: 'POST',
      headers: { authorization },
      body: new URLSearchParams(parameters),
    });
    expect(pushed.status).to.equal(201);
    const { request_uri: uri } = (await pushed.json()) as { request_uri: string };
    const query = new URLSearchParams({ client_id: party.id, request_uri: uri });
    const web = createWeb(gatehouse.url);
    const page = await web.get(`${gatehouse.url}/authorize?${query}`);
    const last = await signInAt(web, page, person);
    expect((await party.redeem(request, codeOf(last))).status).to.equal(200);
    const again = await web.get(`${gatehouse.url}/authorize?${query}`);
    expect(again.url.searchParams.get('code')).to.equal(null);
  });

  it('DPoP binds tokens to a key, and a proof is used once', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const proof = (htm: string, path: string, more = {}) =>
      new SignJWT({ htm, htu: `${gatehouse.url}${path}`, jti: crypto.randomUUID(), ...more })
        .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
        .setIssuedAt()
        .sign(privateKey);
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const last = await signInAt(web, await web.get(request.url), person);
    const body = {
      grant_type: 'authorization_code',
      code: codeOf(last),
      redirect_uri: REDIRECT_URI,
      code_verifier: request.verifier,
    };
    const authorization = `Basic ${Buffer.from(`${party.id}:${party.secret}`).toString('base64')}`;
    const answer = await fetch(`${gatehouse.url}/token`, {
      method: 'POST',
      headers: { authorization, dpop: await proof('POST', '/token') },
      body: new URLSearchParams(body),
    });
    const tokens = (await answer.json()) as { token_type: string; access_token: string };
    expect(tokens.token_type).to.equal('DPoP');
    const ath = Buffer.from(
      await crypto.subtle.digest('SHA-256', Buffer.from(tokens.access_token)),
    ).toString('base64url');
    const used = await proof('GET', '/userinfo', { ath });
    const userinfo = () =>
      fetch(`${gatehouse.url}/userinfo`, {
        headers: { authorization: `DPoP ${tokens.access_token}`, dpop: used },
      });
    const statuses = await Promise.all(Array.from({ length: 10 }, userinfo));
    expect(statuses.filter(({ status }) => status === 200)).to.have.length(1);
    expect((await party.userinfo(tokens.access_token)).status).to.be.within(400, 401);
  });

  it('a proof or assertion id is new once of fifty', async () => {
    const { ReplayDetection } = gatehouse.core.provider();
    const ask = () => ReplayDetection.unique('issuer', 'id', Math.floor(Date.now() / 1000) + 60);
    const answers = await Promise.all(Array.from({ length: 50 }, ask));
    expect(answers.filter(Boolean)).to.have.length(1);
    expect(await ask()).to.equal(false);
  });

  describe('the device flow', () => {
    const start = async () => {
      const metadata = {
        grant_types: [DEVICE, 'refresh_token'],
        redirect_uris: [],
        response_types: [],
      };
      const device = await createRelyingParty(gatehouse, {
        metadata: { ...metadata, token_endpoint_auth_method: 'none' },
      });
      const response = await fetch(`${gatehouse.url}/device/authorize`, {
        method: 'POST',
        body: new URLSearchParams({ client_id: device.id, scope: 'openid email' }),
      });
      const grant = (await response.json()) as Record<string, string>;
      const poll = () => device.token({ grant_type: DEVICE, device_code: grant.device_code ?? '' });
      return { device, grant, poll };
    };

    it('signs a device in after the person has seen its code', async () => {
      const { device, grant, poll } = await start();
      expect((await poll()).body.error).to.equal('authorization_pending');
      const web = createWeb(gatehouse.url);
      const page = await web.get(grant.verification_uri_complete ?? '');
      expect(titleOf(page)).to.equal('Connect a device');
      expect(page.text).to.include(grant.user_code);
      const confirm = await web.submit(page, '/device', { user_code: grant.user_code ?? '' });
      expect(confirm.text).to.include('value="yes"');
      const signInPage = await web.submit(confirm, '/device', { confirm: 'yes' });
      const done = await signInAt(web, signInPage, person);
      expect(titleOf(done)).to.equal('Device connected');
      const tokens = await Promise.all(Array.from({ length: 10 }, poll));
      const winners = tokens.filter(({ status }) => status === 200);
      expect(winners).to.have.length(1);
      const [winner] = winners;
      expect(decodeJwt(String(winner?.body.id_token)).sub).to.equal(person.id);
      expect((await device.refresh(String(winner?.body.refresh_token))).status).to.equal(200);
    });

    it('says no to the device when the person does', async () => {
      const { grant, poll } = await start();
      const web = createWeb(gatehouse.url);
      const page = await web.get(grant.verification_uri ?? '');
      const wrong = await web.submit(page, '/device', { user_code: 'BBBB-BBBB' });
      expect(wrong.text).to.include('That code isn&#39;t valid.');
      const confirm = await web.submit(wrong, '/device', { user_code: grant.user_code ?? '' });
      await web.submit(confirm, '/device', { abort: 'yes' });
      expect((await poll()).body.error).to.equal('access_denied');
    });
  });

  it('back-channel logout reaches every client of the session, however it ends', async () => {
    const received: string[] = [];
    const receiver = createServer(async (request: IncomingMessage, response) => {
      received.push(new URLSearchParams(await text(request)).get('logout_token') ?? '');
      response.writeHead(received.length === 1 ? 500 : 200).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const metadata = { backchannel_logout_uri: `http://127.0.0.1:${port}/logout` };
    const client = await createRelyingParty(gatehouse, { metadata });
    const { web, tokens } = await signIn(gatehouse, client, person);
    const account = await web.get(`${gatehouse.url}/account`);
    expect(titleOf(await web.submit(account, '/account/sign-out'))).to.equal('Signed out');
    await gatehouse.core.deliver();
    // The first try was refused: it comes again, later.
    expect(received).to.have.length(1);
    await gatehouse.advance('10m');
    await gatehouse.core.deliver();
    receiver.close();
    receiver.closeAllConnections();
    expect(received).to.have.length(2);
    const { payload, protectedHeader } = await verify(received[1] ?? '', client.id);
    expect(protectedHeader.typ).to.equal('logout+jwt');
    expect(payload.jti).to.equal(decodeJwt(received[0] ?? '').jti);
    expect(payload).to.include({ sub: person.id, sid: decodeJwt(tokens.id_token ?? '').sid });
    expect(payload.events).to.have.property('http://schemas.openid.net/event/backchannel-logout');
    expect((await client.refresh(tokens.refresh_token ?? '')).body.error).to.equal('invalid_grant');
  });

  it('response_mode=form_post comes as a page of ours', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url({ response_mode: 'form_post' }).url);
    const last = await signInAt(web, page, person);
    expect(titleOf(last)).to.equal('Returning to Test App');
    const form = findForm(last, '/callback');
    expect(form.action.href).to.equal(REDIRECT_URI);
    expect(form.fields).to.include.keys('code', 'state', 'iss');
  });

  it('sign-out goes where the client asked, with a hint and without', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const query = new URLSearchParams({
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://app.example.com/',
      state: 'st',
    });
    const page = await web.get(`${gatehouse.url}/sign-out?${query}`);
    expect(titleOf(page)).to.equal('Sign out');
    const back = await web.submit(page, '/confirm', { logout: 'yes' });
    expect(back.url.href).to.equal('https://app.example.com/?state=st');
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('login_required');
    const elsewhere = new URLSearchParams({
      post_logout_redirect_uri: 'https://evil.example.com/',
    });
    const stays = await web.get(`${gatehouse.url}/sign-out?${elsewhere}`);
    expect(stays.url.origin).to.equal(gatehouse.url);
  });

  it('signing keys are three, and the set holds no private part', async () => {
    const jwks = (await (await fetch(`${gatehouse.url}/jwks`)).json()) as { keys: [] };
    expect(jwks.keys.map((key: { alg: string }) => key.alg)).to.have.members([
      'RS256',
      'ES256',
      'EdDSA',
    ]);
    for (const key of jwks.keys) expect(key).not.to.have.any.keys('d', 'p', 'q', 'dp', 'dq', 'qi');
    createLocalJWKSet(jwks);
    const { tokens } = await signIn(gatehouse, party, person);
    expect(decodeProtectedHeader(tokens.id_token ?? '').alg).to.equal('RS256');
  });
});

const RESOURCES = [
  { identifier: 'https://rs256.example.com', scopes: ['read', 'write'] },
  { identifier: 'https://es256.example.com', scopes: ['read', 'write'], signing_alg: 'ES256' },
  { identifier: 'https://eddsa.example.com', scopes: ['read'], signing_alg: 'EdDSA' },
  { identifier: 'https://opaque.example.com', scopes: ['read'], token_format: 'opaque' },
];
