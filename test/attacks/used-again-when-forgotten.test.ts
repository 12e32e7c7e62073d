// What counts once, sent again when its row may have been swept away, and it still seems good.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { now, nowSeconds } from '../../src/lib/clock.ts';
import { sweep } from '../../src/store/sweep.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signInAt } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onBothStores('used again when it may be forgotten', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const later = async (time: string) => {
    await gatehouse.advance(time);
    await sweep(gatehouse.core.store, now());
  };

  it('a DPoP proof from a clock that is ahead counts once', async () => {
    const metadata = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
    const { id, secret = '' } = await createRelyingParty(gatehouse, { metadata });
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const url = `${gatehouse.url}/token`;
    const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: await exportJWK(publicKey) };
    const claims = { jti: randomUUID(), htm: 'POST', htu: url, iat: nowSeconds() + 290 };
    const dpop = await new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
    const fields = { grant_type: 'client_credentials', client_id: id, client_secret: secret };
    const body = new URLSearchParams(fields).toString();
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const use = async () => {
      const answer = await fetch(url, { method: 'POST', headers: { ...form, dpop }, body });
      return answer.status;
    };
    expect(await use()).to.equal(200);
    await later('400s');
    expect(await use()).to.equal(400);
  });

  it('a pushed request brings one code, of two sign-ins that it has begun', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const body = new URL(party.url().url).searchParams;
    body.set('client_secret', party.secret ?? '');
    const pushed = await fetch(`${gatehouse.url}/par`, { method: 'POST', body });
    const { request_uri } = (await pushed.json()) as { request_uri: string };
    const query = new URLSearchParams({ client_id: party.id, request_uri });
    const webs = [createWeb(gatehouse.url), createWeb(gatehouse.url)];
    const begun = webs.map((web) => web.get(`${gatehouse.url}/authorize?${query}`));
    const [one, two] = await Promise.all(begun);
    if (!webs[0] || !webs[1] || !one || !two) throw new Error('two begin');
    const first = await signInAt(webs[0], one, person);
    expect(first.url.searchParams.has('code')).to.equal(true);
    await later('10m');
    const second = await signInAt(webs[1], two, person);
    expect(second.url.searchParams.has('code')).to.equal(false);
    expect(second.text + second.url.href).to.include('invalid_request_uri');
    await later('3h');
    const left = gatehouse.core.store.sql('oidc_artifacts');
    const rows = gatehouse.core.store.compile(
      left.where({ model: 'PushedAuthorizationRequest' }).select('key'),
    );
    expect(await gatehouse.core.store.all(rows)).to.deep.equal([]);
  });
});
