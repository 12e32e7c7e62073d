// Making Gatehouse call what only it can reach: addresses that clients and operators name.

import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { BACKCHANNEL_LOGOUT } from '../../src/domain/sessions/sessions.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

describe('calls to private addresses', () => {
  let inside: Server;
  let port: number;
  let heard: string[];
  let keys: string;
  let key: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  let gatehouse: Gatehouse;
  before(async () => {
    const pair = await generateKeyPair('RS256');
    key = pair.privateKey;
    keys = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), alg: 'RS256' }] });
    inside = createServer((request, response) => {
      heard.push(String(request.url));
      response.setHeader('content-type', 'application/json').end(keys);
    });
    await new Promise<void>((resolve) => inside.listen(0, resolve));
    port = (inside.address() as AddressInfo).port;
  });
  beforeEach(() => {
    heard = [];
  });
  afterEach(() => gatehouse.stop());
  after(() => {
    inside.close();
    inside.closeAllConnections();
  });

  const start = async (allowed: boolean) => {
    const database = await SQLITE.create();
    const file = join(database.dataDir, 'config.json');
    const outgoing = { allow_private: allowed };
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, outgoing }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
  };

  const logOut = async (host: string) => {
    const metadata = { backchannel_logout_uri: `http://${host}:${port}/logout` };
    const party = await createRelyingParty(gatehouse, { metadata });
    const { web } = await signIn(gatehouse, party, await createPerson(gatehouse));
    await web.submit(await web.get(`${gatehouse.url}/account`), '/account/sign-out');
    await gatehouse.core.deliver();
  };

  const authenticate = async (host: string) => {
    const { client } = await gatehouse.core.clients.create({
      client_name: 'Keys elsewhere',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `http://${host}:${port}/keys`,
    });
    const assertion = await new SignJWT({ jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(client.id)
      .setSubject(client.id)
      .setAudience(gatehouse.url)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(key);
    const response = await fetch(`${gatehouse.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: client.id,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion,
      }),
    });
    return response.status;
  };

  it('are made where the configuration allows them', async () => {
    await start(true);
    await logOut('localhost');
    expect(await authenticate('localhost')).to.equal(200);
    expect(heard).to.deep.equal(['/logout', '/keys']);
  });

  for (const host of ['localhost', '127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '2130706433']) {
    it(`are not made otherwise: ${host}`, async () => {
      await start(false);
      await logOut(host);
      const { store } = gatehouse.core;
      const letter = await store.find(
        store.compile(store.sql('outbox').where({ kind: BACKCHANNEL_LOGOUT })),
      );
      expect(letter?.last_error).to.match(
        / is no public address, and outgoing\.allow_private is off/,
      );
      expect(await authenticate(host)).to.be.within(400, 499);
      expect(heard).to.deep.equal([]);
    });
  }
});
