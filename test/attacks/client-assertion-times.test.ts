// Client assertions made for later, for long, or for others than us.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { nowSeconds } from '../../src/lib/clock.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty, relyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';

const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

onOneStore('a client assertion', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let sign: (exp: number, claims?: JWTPayload) => Promise<string>;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const keys = [{ ...(await exportJWK(publicKey)), alg: 'ES256' }];
    const metadata = { ...MACHINE, token_endpoint_auth_method: 'private_key_jwt', jwks: { keys } };
    const { id } = await createRelyingParty(gatehouse, { metadata });
    party = relyingParty(gatehouse.url, id, undefined);
    sign = (exp, claims = {}) =>
      new SignJWT({ iss: id, sub: id, aud: gatehouse.url, jti: randomUUID(), exp, ...claims })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey);
  });
  after(() => gatehouse.stop());

  const send = async (assertion: string) => {
    const proof = { client_assertion: assertion, client_assertion_type: ASSERTION };
    const { status, body } = await party.token({ grant_type: 'client_credentials', ...proof });
    return [status, body.error];
  };

  const REFUSED = [401, 'invalid_client'];
  const TAKEN = [200, undefined];
  const sendWith = async (claims: JWTPayload) => send(await sign(nowSeconds() + 60, claims));

  it('may expire at a fraction of a second, and counts once', async () => {
    const assertion = await sign(nowSeconds() + 60.1234567);
    expect(await send(assertion)).to.deep.equal([200, undefined]);
    expect(await send(assertion)).to.deep.equal([401, 'invalid_client']);
  });

  it('may expire an hour from now', async () => {
    expect(await send(await sign(nowSeconds() + 3590))).to.deep.equal([200, undefined]);
  });

  for (const exp of [7200, 1e15, Number.MAX_SAFE_INTEGER, 1e18, 1e300]) {
    it(`is refused where it expires ${exp} seconds from now`, async () => {
      expect(await send(await sign(nowSeconds() + exp))).to.deep.equal([401, 'invalid_client']);
    });
  }

  it('counts as long as clocks may differ after it has expired', async () => {
    expect(await send(await sign(nowSeconds() - 5))).to.deep.equal(TAKEN);
    expect(await send(await sign(nowSeconds() - 12))).to.deep.equal(REFUSED);
  });

  for (const claim of ['iat', 'nbf'] as const) {
    it(`is refused where ${claim} is more than ten seconds ahead`, async () => {
      expect(await sendWith({ [claim]: nowSeconds() + 8 }), 'as clocks differ').to.deep.equal(
        TAKEN,
      );
      for (const ahead of [15, 90, 3000, 1e12]) {
        expect(await sendWith({ [claim]: nowSeconds() + ahead }), String(ahead)).to.deep.equal(
          REFUSED,
        );
      }
      expect(await sendWith({ [claim]: String(nowSeconds()) as never })).to.deep.equal(REFUSED);
    });
  }

  describe('made for whoever else takes it', () => {
    const others = ({ url }: Gatehouse): Record<string, unknown> => ({
      'a list of the issuer': [url],
      'a list with others': ['https://elsewhere.example.com', url],
      'the address of the endpoint': `${url}/token`,
      'the address of another endpoint': `${url}/introspect`,
      'the issuer with a slash': `${url}/`,
      'the issuer in capitals': url.toUpperCase(),
      'an address below it': `${url}/token/`,
      'another issuer': 'https://elsewhere.example.com',
      'an empty string': '',
      'a number': 1,
    });

    it('is refused: aud is the issuer as one string', async () => {
      expect(await sendWith({ aud: gatehouse.url })).to.deep.equal(TAKEN);
      for (const [what, aud] of Object.entries(others(gatehouse))) {
        expect(await sendWith({ aud: aud as string }), what).to.deep.equal(REFUSED);
      }
    });

    it('may name the token endpoint where the client is registered as an old one', async () => {
      await gatehouse.core.clients.update(party.id, {
        client_assertion_audience: 'token_endpoint',
      });
      expect(await sendWith({ aud: gatehouse.url })).to.deep.equal(TAKEN);
      const { 'the address of the endpoint': endpoint, ...rest } = others(gatehouse);
      expect(await sendWith({ aud: endpoint as string })).to.deep.equal(TAKEN);
      const wrong: Record<string, unknown> = { ...rest, 'a list of it': [endpoint] };
      for (const [what, aud] of Object.entries(wrong)) {
        expect(await sendWith({ aud: aud as string }), what).to.deep.equal(REFUSED);
      }
    });
  });
});
