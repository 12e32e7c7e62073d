// Public keys that somebody gives: which are taken, as what, and why the others are not.
import { createPrivateKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { expect } from 'chai';
import { importJWK, importPKCS8, type JWK, jwtVerify, SignJWT } from 'jose';
import { type GatehouseError, isGatehouseError } from '../../src/lib/errors.ts';
import { KEY_ALGS, type KeyAlg, parseJwkText } from '../../src/service-accounts/jwk-shape.ts';
import { makeKey, readPublicKey } from '../../src/service-accounts/keys.ts';

const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).privateKey.export({ format: 'jwk' });
const ec = (namedCurve: string) =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ format: 'jwk' });
const PRIVATE = {
  rsa: rsa(2048),
  ec: ec('P-256'),
  p384: ec('P-384'),
  p521: ec('P-521'),
  ed: generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }),
};
const publicOf = ({ kty, crv, n, e, x, y }: JsonWebKey): JsonWebKey =>
  JSON.parse(JSON.stringify({ kty, crv, n, e, x, y }));
const RSA = publicOf(PRIVATE.rsa);
const EC = publicOf(PRIVATE.ec);
const ED = publicOf(PRIVATE.ed);

async function whyNot(jwk: unknown, alg?: string): Promise<string> {
  return readPublicKey(jwk, alg).then(
    ({ alg }) => `taken as ${alg}`,
    (error: unknown) => {
      if (isGatehouseError(error, 'invalid_input')) return (error as GatehouseError).message;
      throw error;
    },
  );
}

/** Changes one bit in the middle of a member. */
function bent(jwk: JsonWebKey, member: 'x' | 'y'): JsonWebKey {
  const bytes = Buffer.from(jwk[member] ?? '', 'base64url');
  bytes.writeUInt8(bytes.readUInt8(9) ^ 1, 9);
  return { ...jwk, [member]: bytes.toString('base64url') };
}

const PUBLIC_PEM = generateKeyPairSync('ed25519')
  .publicKey.export({ format: 'pem', type: 'spki' })
  .toString();

const inHex = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');

describe('a public key that is given', () => {
  describe('is taken', () => {
    for (const [name, jwk, alg, asked] of [
      ['RSA', RSA, 'RS256', undefined],
      ['RSA for RS256', RSA, 'RS256', 'RS256'],
      ['RSA for PS256', RSA, 'PS256', 'PS256'],
      ['RSA that says PS256', { ...RSA, alg: 'PS256' }, 'PS256', undefined],
      ['RSA that says it, too', { ...RSA, alg: 'PS256' }, 'PS256', 'PS256'],
      ['P-256', EC, 'ES256', undefined],
      ['P-384', publicOf(PRIVATE.p384), 'ES384', undefined],
      ['P-521', publicOf(PRIVATE.p521), 'ES512', 'ES512'],
      ['Ed25519', ED, 'EdDSA', undefined],
      ['for signatures', { ...EC, use: 'sig', key_ops: ['verify'] }, 'ES256', undefined],
    ] as const) {
      it(`${name} as ${alg}`, async () => {
        const key = await readPublicKey(jwk, asked);
        expect(key.alg).to.equal(alg);
        expect(key.jwk).to.deep.equal(publicOf(jwk));
        expect(key.kid).to.match(/^[\w-]{43}$/);
      });
    }

    it('with nothing kept but the key itself', async () => {
      const more = { kid: 'mine', use: 'sig', x5c: ['MII'], jku: 'https://a.example.com/', own: 1 };
      const { jwk, kid } = await readPublicKey({ ...EC, ...more });
      expect(jwk).to.deep.equal(EC);
      expect(kid)
        .to.equal((await readPublicKey(EC)).kid)
        .and.not.to.equal('mine');
    });

    it('under one name, however its numbers are written', async () => {
      const { kid, jwk } = await readPublicKey(RSA);
      const n = Buffer.concat([Buffer.alloc(3), Buffer.from(RSA.n ?? '', 'base64url')]);
      const long = { ...RSA, n: n.toString('base64url'), e: 'AAEAAQ' };
      expect(await readPublicKey(long)).to.deep.equal({ kid, jwk, alg: 'RS256' });
      const padded = { ...RSA, e: 'AQAB==' };
      expect((await readPublicKey(padded)).kid).to.equal(kid);
    });

    it('so that RFC 7638 gives its name', async () => {
      // The key and the thumbprint of RFC 8037, A.3.
      const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
      const { kid } = await readPublicKey({ kty: 'OKP', crv: 'Ed25519', x });
      expect(kid).to.equal('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    });
  });

  describe('is refused', () => {
    const halves = /^That is a private key, which nobody else may have\..*public half\.$/;
    const oct = /^That is a shared secret \(oct\)/;
    const damaged = /^The key is damaged/;
    const kind = /^That is no kind of key that is known here/;
    const cases: ReadonlyArray<readonly [name: string, jwk: unknown, says: RegExp, alg?: string]> =
      [
        ['a private RSA key', PRIVATE.rsa, halves],
        ['a private EC key', PRIVATE.ec, halves],
        ['a private Ed25519 key', PRIVATE.ed, halves],
        ...['p', 'q', 'dp', 'dq', 'qi', 'oth'].map(
          (member) => [`a key with ${member} alone`, { ...RSA, [member]: 'AQAB' }, halves] as const,
        ),
        ['a private member that is null', { ...EC, d: null }, halves],
        ['a shared secret', { kty: 'oct', k: 'c2VjcmV0' }, oct],
        ['a shared secret without its value', { kty: 'oct' }, oct],
        ['a public key that holds a secret, too', { ...RSA, k: 'c2VjcmV0' }, oct],
        ['RSA of 1024 bits', publicOf(rsa(1024)), /2048 to 8192 bits here, not 1024/],
        ['RSA of 2047 bits', publicOf(rsa(2047)), /not 2047/],
        ['RSA of 16384 bits', { ...RSA, n: `_${'A'.repeat(2730)}` }, /not 16384/],
        ['RSA with nothing in it', { ...RSA, n: '' }, /^(The key is damaged|An RSA key)/],
        ['RSA that is zero', { ...RSA, n: 'AAAA' }, /^(The key is damaged|An RSA key)/],
        ['RSA that is even', { ...RSA, n: `${RSA.n?.slice(0, -1)}A` }, damaged],
        ['an exponent of 1', { ...RSA, e: 'AQ' }, /exponent/],
        ['an exponent of 1 behind zeros', { ...RSA, e: 'AAAB' }, /exponent/],
        ['an even exponent', { ...RSA, e: 'AQAA' }, /exponent/],
        ['an exponent of 0', { ...RSA, e: 'AA' }, /exponent|damaged/],
        ['an exponent of many bytes', { ...RSA, e: `${'B'.repeat(40)}B` }, /exponent/],
        ['RSA without an exponent', { kty: 'RSA', n: RSA.n }, damaged],
        ['RSA as numbers', { ...RSA, n: 12345 }, damaged],
        ['a point off P-256 (y)', bent(EC, 'y'), damaged],
        ['a point off P-256 (x)', bent(EC, 'x'), damaged],
        ['a point off P-384', bent(publicOf(PRIVATE.p384), 'y'), damaged],
        ['a point off P-521', bent(publicOf(PRIVATE.p521), 'y'), damaged],
        ['the point at infinity', { ...EC, x: '', y: '' }, damaged],
        ['zeros', { ...EC, x: 'A'.repeat(43), y: 'A'.repeat(43) }, damaged],
        ['half a point', { kty: 'EC', crv: 'P-256', x: EC.x }, damaged],
        ['a point of another curve', { ...publicOf(PRIVATE.p384), crv: 'P-256' }, damaged],
        ['Ed25519 of 31 bytes', { ...ED, x: inHex('07'.repeat(31)) }, damaged],
        ['Ed25519 of 33 bytes', { ...ED, x: inHex('07'.repeat(33)) }, damaged],
        ['X25519', generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }), kind],
        ['Ed448', generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' }), kind],
        ['secp256k1', publicOf(ec('secp256k1')), kind],
        ['an unknown kty', { kty: 'AKP', pub: 'AQAB' }, kind],
        ['no kty', { n: RSA.n, e: RSA.e }, kind],
        ['a kty that is no text', { ...RSA, kty: ['RSA'] }, kind],
        ['a kty that objects have', { kty: 'constructor', crv: 'name' }, kind],
        ['a key for encryption', { ...RSA, use: 'enc' }, /isn't for signatures \(use\)/],
        ['a use that is null', { ...RSA, use: null }, /isn't for signatures \(use\)/],
        ['a key that only signs', { ...RSA, key_ops: ['sign'] }, /key_ops/],
        ['a key that may do nothing', { ...RSA, key_ops: [] }, /key_ops/],
        ['operations that are no list', { ...RSA, key_ops: 'verify' }, /key_ops/],
        ['RSA for ES256', RSA, /^A key RSA is for RS256 or PS256/, 'ES256'],
        ['RSA for RS1', { ...RSA, alg: 'RS1' }, /^A key RSA is for RS256 or PS256/],
        ['RSA for RS512', { ...RSA, alg: 'RS512' }, /^A key RSA is for/],
        ['RSA for RSA-OAEP', { ...RSA, alg: 'RSA-OAEP' }, /^A key RSA is for/],
        ['P-256 for ES384', EC, /^A key EC P-256 is for ES256/, 'ES384'],
        ['Ed25519 for RS256', ED, /^A key OKP Ed25519 is for EdDSA/, 'RS256'],
        ['a key for HS256', { ...RSA, alg: 'HS256' }, /^A key RSA is for/],
        ['a key for none', { ...RSA, alg: 'none' }, /^A key RSA is for/],
        ['an alg that is no text', { ...RSA, alg: 256 }, /^A key RSA is for/],
        [
          'another alg than it says',
          { ...RSA, alg: 'PS256' },
          /says that it is for another/,
          'RS256',
        ],
        ['a list', [RSA], /^That is a list\. Give one JWK at a time\.$/],
        ['a JWK Set', { keys: [RSA] }, /^That is a JWK Set\. Give one JWK at a time\.$/],
        ['a text', 'RSA', /^This isn't a JWK/],
        ['null', null, /^This isn't a JWK/],
        ['a number', 5, /^This isn't a JWK/],
        ['much more than a key', { ...RSA, note: 'x'.repeat(20_000) }, /^That is too large/],
      ];
    for (const [name, jwk, says, alg] of cases) {
      it(name, async () => expect(await whyNot(jwk, alg)).to.match(says));
    }
  });
});

describe('the text of a public key', () => {
  const why = (text: string) => {
    try {
      return parseJwkText(text);
    } catch (error) {
      expect(isGatehouseError(error, 'invalid_input')).to.equal(true);
      return (error as Error).message;
    }
  };
  const pem = (type: 'pkcs8' | 'spki') => {
    const key = createPrivateKey({ key: PRIVATE.ec, format: 'jwk' });
    return type === 'pkcs8' ? key.export({ format: 'pem', type }).toString() : PUBLIC_PEM;
  };

  it('is JSON', () => expect(why(JSON.stringify(RSA))).to.deep.equal(RSA));
  it('is nothing else', () => expect(why('kty=RSA')).to.match(/JWK, but this isn't valid JSON\.$/));
  it('is not empty', () => expect(why('')).to.match(/isn't valid JSON/));
  it('is not cut off', () =>
    expect(why(JSON.stringify(RSA).slice(0, -1))).to.match(/isn't valid JSON/));
  it('is not huge', () => expect(why(`"${'x'.repeat(20_000)}"`)).to.match(/^That is too large/));
  it('is not so deep that reading it ends the stack', () =>
    expect(why(`{"kty":${'['.repeat(8000)}${']'.repeat(8000)}}`)).to.match(/nested too deeply/));
  it('has each member once', () =>
    expect(why('{"kty":"RSA","\\u006bty":"EC"}')).to.match(/"kty" twice/));
  it('is no private key as PEM', () =>
    expect(why(pem('pkcs8'))).to.match(/^That is a private key/));
  it('is no PEM at all', () => expect(why(pem('spki'))).to.match(/^That is PEM\..* JWK\.$/));
});

describe('a key that is made', () => {
  for (const alg of KEY_ALGS) {
    it(`for ${alg} signs what its public half verifies`, async () => {
      const { kid, jwk, privateKey, alg: made } = await makeKey(alg);
      expect(made).to.equal(alg);
      expect(await readPublicKey(jwk, alg)).to.deep.equal({ kid, jwk, alg });
      await expectPair(jwk, privateKey, alg);
    });
  }

  it('is for RS256, of 2048 bits, where nothing is said', async () => {
    const { alg, jwk } = await makeKey();
    expect(alg).to.equal('RS256');
    expect(Buffer.from(jwk.n ?? '', 'base64url')).to.have.length(256);
  });

  for (const alg of ['HS256', 'none', 'RS512', '', 'rs256', 'constructor']) {
    it(`is not made for "${alg}"`, async () => {
      const error = await makeKey(alg).catch((caught: unknown) => caught);
      expect(isGatehouseError(error, 'invalid_input')).to.equal(true);
    });
  }
});

async function expectPair(jwk: JWK, privateKey: string, alg: KeyAlg): Promise<void> {
  const signed = await new SignJWT({ sub: 'a' })
    .setProtectedHeader({ alg })
    .sign(await importPKCS8(privateKey, alg));
  const { payload } = await jwtVerify(signed, await importJWK(jwk, alg));
  expect(payload.sub).to.equal('a');
}
