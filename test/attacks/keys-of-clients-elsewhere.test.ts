// Public keys that a client keeps at an address of its own: taken away, or more than anybody reads.
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { nowSeconds } from '../../src/lib/clock.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, relyingParty } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Key = Awaited<ReturnType<typeof createKey>>;

async function createKey(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  return { kid, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' } };
}

const setOf = (...keys: readonly Key[]) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

describe('the keys of a client at an address of its own', () => {
  let elsewhere: Server;
  let answer: (response: ServerResponse) => void;
  let asked = 0;
  let gatehouse: Gatehouse;

  before(async () => {
    elsewhere = createServer((_request, response) => {
      asked += 1;
      answer(response);
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'config.json');
    const outgoing = { allow_private: true, timeout: 1 };
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, outgoing }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
  });
  beforeEach(() => {
    asked = 0;
  });
  after(async () => {
    await gatehouse.stop();
    elsewhere.close();
    elsewhere.closeAllConnections();
  });

  const createClient = async () => {
    const { port } = elsewhere.address() as AddressInfo;
    const jwks_uri = `http://127.0.0.1:${port}/${randomUUID()}`;
    const metadata = { ...MACHINE, token_endpoint_auth_method: 'private_key_jwt', jwks_uri };
    const { id } = await createRelyingParty(gatehouse, { metadata });
    const party = relyingParty(gatehouse.url, id, undefined);
    return async ({ kid, privateKey }: Key) => {
      const exp = nowSeconds() + 60;
      const claims = { iss: id, sub: id, aud: gatehouse.url, jti: randomUUID(), exp };
      const signed = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid });
      const assertion = await signed.sign(privateKey);
      const proof = { client_assertion: assertion, client_assertion_type: ASSERTION };
      return (await party.token({ grant_type: 'client_credentials', ...proof })).status;
    };
  };

  it('one that was taken away counts no longer than it may be kept: a minute', async () => {
    const [old, next] = [await createKey('old'), await createKey('next')];
    const signInWith = await createClient();
    answer = (response) => response.end(setOf(old));
    expect(await signInWith(old)).to.equal(200);
    answer = (response) => response.end(setOf(next));
    expect(await signInWith(old)).to.equal(200);
    await gatehouse.advance('61s');
    expect(await signInWith(old)).to.equal(401);
    expect(await signInWith(next)).to.equal(200);
    expect(asked).to.equal(2);
  });

  it('are kept as long as their answer says', async () => {
    const [old, next] = [await createKey('old'), await createKey('next')];
    const signInWith = await createClient();
    answer = (response) => response.setHeader('cache-control', 'max-age=600').end(setOf(old));
    expect(await signInWith(old)).to.equal(200);
    answer = (response) => response.end(setOf(next));
    await gatehouse.advance('9m');
    expect(await signInWith(old)).to.equal(200);
    await gatehouse.advance('2m');
    expect(await signInWith(old)).to.equal(401);
  });

  const blanks = (length: number) => Buffer.alloc(length, ' ');

  it('are not read beyond 64 KB, packed or not', async () => {
    const key = await createKey('one');
    const long = Buffer.concat([Buffer.from(setOf(key)), blanks(65 * 1024)]);
    answer = (response) => response.end(long);
    expect(await (await createClient())(key)).to.equal(401);
    answer = (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(long));
    expect(await (await createClient())(key)).to.equal(401);
    const fits = Buffer.concat([Buffer.from(setOf(key)), blanks(60 * 1024)]);
    answer = (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(fits));
    expect(await (await createClient())(key)).to.equal(200);
  });

  it('are not waited for beyond the time of a call, at whatever pace they come', async () => {
    const key = await createKey('one');
    let closed: Promise<void> | undefined;
    answer = (response) => {
      response.write('{');
      const timer = setInterval(() => response.write(' '), 50);
      closed = new Promise((resolve) => response.on('close', resolve));
      closed.finally(() => clearInterval(timer));
    };
    expect(await (await createClient())(key)).to.equal(401);
    await closed;
  });
});
