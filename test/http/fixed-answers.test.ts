// Discovery and JWKS: what the library says, from memory, for caches and for other origins.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onOneStore } from '../support/stores.ts';
import { send } from './helpers.ts';

const PATHS = [
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
  '/jwks',
];

onOneStore('fixed answers', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(gatehouse.url, path, { headers, method });

  for (const path of PATHS) {
    it(`${path} is what the library itself says`, async () => {
      const fixed = await get(path);
      // With a query, nothing is answered from memory.
      const live = await get(`${path}?live`);
      expect(fixed.status).to.equal(200);
      expect(JSON.parse(fixed.text)).to.deep.equal(JSON.parse(live.text));
      expect(fixed.headers.get('content-type')).to.match(/^application\/(jwk-set\+)?json/);
      expect(fixed.headers.get('content-length')).to.equal(String(Buffer.byteLength(fixed.text)));
      expect(fixed.headers.getSetCookie()).to.deep.equal([]);
    });

    it(`${path} need not be sent twice`, async () => {
      const { headers, text } = await get(path);
      const etag = headers.get('etag') ?? '';
      expect(etag).to.match(/^"[\w-]+"$/);
      expect(headers.get('cache-control')).to.match(/^public, max-age=[1-9]\d*$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(path, { 'if-none-match': known });
        expect(again, known).to.include({ status: 304, text: '' });
        expect(again.headers.get('etag')).to.equal(etag);
      }
      for (const other of ['"other"', etag.replaceAll('"', ''), 'W/"other"', '']) {
        expect(await get(path, { 'if-none-match': other }), other).to.include({
          status: 200,
          text,
        });
      }
    });

    it(`${path} answers HEAD as GET, without the body`, async () => {
      const [whole, head] = [await get(path), await get(path, {}, 'HEAD')];
      expect(head).to.include({ status: 200, text: '' });
      for (const name of ['etag', 'content-type', 'content-length', 'cache-control']) {
        expect(head.headers.get(name), name).to.equal(whole.headers.get(name));
      }
    });

    it(`${path} may be read from any origin, with no credentials`, async () => {
      const origin = 'https://spa.example.com';
      const { headers } = await get(path, { origin });
      expect(['*', origin]).to.include(headers.get('access-control-allow-origin'));
      expect(headers.get('access-control-allow-credentials')).to.equal(null);
      if (headers.get('access-control-allow-origin') === origin) {
        expect(headers.get('vary')).to.match(/\borigin\b/i);
      }
      const asking = { origin, 'access-control-request-method': 'GET' };
      const preflight = await get(path, asking, 'OPTIONS');
      expect(preflight.status).to.be.within(200, 204);
      expect(preflight.headers.get('access-control-allow-methods')).to.include('GET');
      expect(['*', origin]).to.include(preflight.headers.get('access-control-allow-origin'));
    });

    it(`${path} takes no other method`, async () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        expect((await get(path, {}, method)).status, method).to.be.within(404, 405);
      }
    });
  }

  it('answers while nothing else does: no statement goes to the database', async () => {
    const { store: database } = gatehouse.core;
    const { find, all } = database;
    const refuse = () => Promise.reject(new Error('asked the database'));
    Object.assign(database, { find: refuse, all: refuse });
    try {
      for (const path of PATHS) expect((await get(path)).status).to.equal(200);
      expect((await get('/account')).status).to.equal(500);
    } finally {
      Object.assign(database, { find, all });
    }
  });

  it('publishes only the public side of the keys', async () => {
    const { keys } = JSON.parse((await get('/jwks')).text) as {
      keys: Array<Record<string, string>>;
    };
    expect(keys.map(({ kty }) => kty)).to.have.members(['RSA', 'EC', 'OKP']);
    for (const key of keys) {
      expect(key).to.include.all.keys(['kid', 'alg', 'use']);
      expect(key).not.to.have.any.keys(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']);
    }
  });

  it('says what the contract says', async () => {
    const said = JSON.parse((await get(PATHS[0] ?? '')).text);
    expect(said.issuer).to.equal(gatehouse.url);
    expect(said.response_types_supported).to.deep.equal(['code']);
    expect(said.code_challenge_methods_supported).to.deep.equal(['S256']);
    expect(said.grant_types_supported).not.to.include.members(['implicit', 'password']);
    expect(said.authorization_response_iss_parameter_supported).to.equal(true);
    for (const [name, value] of Object.entries(said)) {
      if (/_(endpoint|uri)$/.test(name)) expect(value, name).to.match(/^http:\/\/localhost:\d+\//);
    }
  });
});
