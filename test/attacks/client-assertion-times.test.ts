// Times of client assertions that no database can hold, or that nobody can remember so long.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { nowSeconds } from '../../src/lib/clock.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty, relyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

onBothStores('the time at which a client assertion expires', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let sign: (exp: number) => Promise<string>;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256' }];
    const metadata = { ...MACHINE, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } };
    const { id } = await createRelyingParty(gatehouse, { metadata });
    party = relyingParty(gatehouse.url, id, undefined);
    sign = (exp) =>
      new SignJWT({ iss: id, sub: id, aud: gatehouse.url, jti: randomUUID(), exp })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey);
  });
  after(() => gatehouse.stop());

  const send = async (assertion: string) => {
    const proof = { client_assertion: assertion, client_assertion_type: ASSERTION };
    const { status, body } = await party.token({ grant_type: 'client_credentials', ...proof });
    return [status, body.error];
  };

  it('may have a fraction, and the assertion counts once', async () => {
    const assertion = await sign(nowSeconds() + 60.1234567);
    expect(await send(assertion)).to.deep.equal([200, undefined]);
    expect(await send(assertion)).to.deep.equal([401, 'invalid_client']);
  });

  it('may be an hour from now', async () => {
    expect(await send(await sign(nowSeconds() + 3590))).to.deep.equal([200, undefined]);
  });

  for (const exp of [7200, 1e15, Number.MAX_SAFE_INTEGER, 1e18, 1e300]) {
    it(`is refused ${exp} seconds from now`, async () => {
      expect(await send(await sign(nowSeconds() + exp))).to.deep.equal([401, 'invalid_client']);
    });
  }
});
