// Assertions that something is wrong with: each is refused in the same words, and the audit says why.
import { createHmac, createPublicKey, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  assertionOf,
  claimsOf,
  compact,
  createMachine,
  encoded,
  keyPair,
  type Machine,
  type Members,
  present,
  signatureOf,
  WITH_RESOURCES,
  withoutTrace,
} from '../support/machine.ts';
import { type Answer, createPerson, createRelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';

/** What a defect is made from: the assertion that would be right, and what an attacker has. */
interface Made {
  readonly url: string;
  readonly machine: Machine;
  readonly rsa: Machine;
  readonly other: Machine;
  readonly personId: string;
  readonly clientId: string;
  /** Of the assertion that is right. */
  readonly claims: Members;
  /** Seconds. */
  readonly at: number;
  /** Of a server that counts who calls. */
  readonly trap: string;
  /** The right assertion with other claims. */
  with(claims: Members): string;
  /** The right assertion with other members in its header. */
  headed(header: Members): string;
}

type Defect = readonly [reason: string, make: (made: Made) => string | Sent];
interface Sent {
  readonly assertion: string;
  readonly fields: Readonly<Record<string, string>>;
}

const headerOf = ({ alg, kid }: Machine) => ({ alg, kid, typ: 'JWT' });

const NO_SERVICE_ACCOUNT = "iss isn't a service account";

const CLAIMS: Readonly<Record<string, Defect>> = {
  'no iss': ['no iss', (m) => m.with({ iss: undefined })],
  'no iss and no sub': ['no iss', (m) => m.with({ iss: undefined, sub: undefined })],
  'an empty iss': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: '' })],
  'iss as a number': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: 1, sub: 1 })],
  'iss as a list': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: [m.machine.id] })],
  'iss as an object': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: { id: m.machine.id } })],
  "iss and sub a person's": [
    NO_SERVICE_ACCOUNT,
    (m) => m.with({ iss: m.personId, sub: m.personId }),
  ],
  "iss and sub a client's": [
    NO_SERVICE_ACCOUNT,
    (m) => m.with({ iss: m.clientId, sub: m.clientId }),
  ],
  'iss the issuer': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: m.url, sub: m.url })],
  'iss with a NUL': [
    NO_SERVICE_ACCOUNT,
    (m) => m.with({ iss: `${m.machine.id}\0`, sub: `${m.machine.id}\0` }),
  ],
  'iss with a space': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: `${m.machine.id} ` })],
  'iss in capitals': [NO_SERVICE_ACCOUNT, (m) => m.with({ iss: m.machine.id.toUpperCase() })],
  'iss of nobody': ['unknown account', (m) => m.with({ iss: 'sa_x', sub: 'sa_x' })],
  'iss the stand-in of all': [
    'unknown account',
    (m) => m.with({ iss: 'sa_unverified', sub: 'sa_unverified' }),
  ],
  'iss and sub of another account': [
    'unknown key',
    (m) => m.with({ iss: m.other.id, sub: m.other.id }),
  ],
  'no sub': ['no sub', (m) => m.with({ sub: undefined })],
  'sub of another account': ['sub is not iss', (m) => m.with({ sub: m.other.id })],
  'sub a person': ['sub is not iss', (m) => m.with({ sub: m.personId })],
  'sub as a list': ['sub is not iss', (m) => m.with({ sub: [m.machine.id] })],
  'sub null': ['sub is not iss', (m) => m.with({ sub: null })],
  'no aud': ['no aud', (m) => m.with({ aud: undefined })],
  'aud as a list of one': ['aud must be one string', (m) => m.with({ aud: [m.url] })],
  'aud as a list of two': ['aud must be one string', (m) => m.with({ aud: [m.url, m.trap] })],
  'aud as an object': ['aud must be one string', (m) => m.with({ aud: { [m.url]: true } })],
  'aud null': ['aud must be one string', (m) => m.with({ aud: null })],
  'aud empty': ["aud isn't this provider", (m) => m.with({ aud: '' })],
  'aud with a slash at its end': ["aud isn't this provider", (m) => m.with({ aud: `${m.url}/` })],
  'aud cut short': ["aud isn't this provider", (m) => m.with({ aud: m.url.slice(0, -1) })],
  'aud with more behind it': [
    "aud isn't this provider",
    (m) => m.with({ aud: `${m.url}.evil.test` }),
  ],
  'aud in capitals': ["aud isn't this provider", (m) => m.with({ aud: m.url.toUpperCase() })],
  'aud another endpoint': ["aud isn't this provider", (m) => m.with({ aud: `${m.url}/userinfo` })],
  'aud the API': ["aud isn't this provider", (m) => m.with({ aud: `${m.url}/api` })],
  'aud the token endpoint with a query': [
    "aud isn't this provider",
    (m) => m.with({ aud: `${m.url}/token?` }),
  ],
  'aud another issuer': ["aud isn't this provider", (m) => m.with({ aud: 'https://example.com' })],
  'no exp': ['no exp', (m) => m.with({ exp: undefined })],
  'exp as text': ['exp must be a whole number', (m) => m.with({ exp: String(m.at + 60) })],
  'exp as a fraction': ['exp must be a whole number', (m) => m.with({ exp: m.at + 60.5 })],
  'exp null': ['exp must be a whole number', (m) => m.with({ exp: null })],
  'exp without end': ['exp must be a whole number', (m) => m.with({ exp: 1e300 })],
  'exp as a list': ['exp must be a whole number', (m) => m.with({ exp: [m.at + 60] })],
  'exp gone by': ['expired', (m) => m.with({ iat: m.at - 100, exp: m.at - 31 })],
  'exp gone by to the second': ['expired', (m) => m.with({ iat: m.at - 100, exp: m.at - 30 })],
  'exp negative': ['expired', (m) => m.with({ exp: -1 })],
  'exp in an hour': ['exp is too far ahead', (m) => m.with({ exp: m.at + 3600 })],
  'exp a little too far': ['exp is too far ahead', (m) => m.with({ exp: m.at + 345 })],
  'exp in milliseconds': ['exp is too far ahead', (m) => m.with({ exp: m.at * 1000 })],
  'no iat': ['no iat', (m) => m.with({ iat: undefined })],
  'iat as text': ['iat must be a whole number', (m) => m.with({ iat: String(m.at) })],
  'iat as a fraction': ['iat must be a whole number', (m) => m.with({ iat: m.at - 0.5 })],
  'iat in the future': ['iat is in the future', (m) => m.with({ iat: m.at + 60, exp: m.at + 120 })],
  'iat in milliseconds': ['iat is in the future', (m) => m.with({ iat: m.at * 1000 })],
  'iat of long ago': ['iat is too long ago', (m) => m.with({ iat: m.at - 3600 })],
  'iat at the beginning of time': ['iat is too long ago', (m) => m.with({ iat: 0 })],
  'iat after exp': ['exp is not after iat', (m) => m.with({ iat: m.at, exp: m.at - 5 })],
  'nbf in the future': ['nbf is in the future', (m) => m.with({ nbf: m.at + 45 })],
  'nbf as text': ['nbf must be a whole number', (m) => m.with({ nbf: String(m.at) })],
  'no jti': ['no jti', (m) => m.with({ jti: undefined })],
  'an empty jti': ['no jti', (m) => m.with({ jti: '' })],
  'jti as a number': ['no jti', (m) => m.with({ jti: 1 })],
  'jti as a list': ['no jti', (m) => m.with({ jti: ['x'] })],
  'a jti of 256 characters': ['no jti', (m) => m.with({ jti: 'x'.repeat(256) })],
  'a jti that is no text': ['no jti', (m) => m.with({ jti: '\ud800' })],
};

const NOT_ALLOWED = 'the algorithm is not allowed';
const OTHER_ALG = 'the algorithm is not that of the key';
const WRONG = 'wrong signature';

/** Signed as if the text of a public key were a secret that both sides share. */
function withHmac({ rsa, url }: Made, secret: string): string {
  const header = { ...headerOf(rsa), alg: 'HS256' };
  const input = `${encoded(JSON.stringify(header))}.${encoded(JSON.stringify(claimsOf(rsa, url)))}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

const publicPem = ({ jwk }: Machine) =>
  createPublicKey({ key: jwk as never, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();

/** The right assertion, with another signature. */
function signedWith({ machine, claims }: Made, signature: (right: Buffer) => Buffer): string {
  const [header, payload, right = ''] = compact(
    machine,
    JSON.stringify(claims),
    headerOf(machine),
  ).split('.');
  const given = signature(Buffer.from(right, 'base64url'));
  return `${header}.${payload}.${given.toString('base64url')}`;
}

/** Somebody's own key under the name of the account's. */
function forged({ machine, claims }: Made, alg: string): string {
  const own = { ...machine, alg, privateKey: keyPair(alg).privateKey };
  return compact(own, JSON.stringify(claims), headerOf(own));
}

/** ASN.1, as many libraries write it: 48 bytes are enough to tell. */
const der = (right: Buffer) => {
  const integer = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part]);
  const both = Buffer.concat([integer(right.subarray(0, 32)), integer(right.subarray(32))]);
  return Buffer.concat([Buffer.from([0x30, both.length]), both]);
};

const SIGNATURES: Readonly<Record<string, Defect>> = {
  'alg none, without a signature': [
    NOT_ALLOWED,
    (m) => `${encoded('{"alg":"none","kid":"x"}')}.${encoded(JSON.stringify(m.claims))}.`,
  ],
  'alg none, with the right signature': [NOT_ALLOWED, (m) => m.headed({ alg: 'none' })],
  'alg nOnE': [NOT_ALLOWED, (m) => m.headed({ alg: 'nOnE' })],
  'alg HS256 with the public key as a secret, PEM': [
    NOT_ALLOWED,
    (m) => withHmac(m, publicPem(m.rsa)),
  ],
  'alg HS256 with the public key as a secret, JWK': [
    NOT_ALLOWED,
    (m) => withHmac(m, JSON.stringify(m.rsa.jwk)),
  ],
  'alg HS256 with an empty secret': [NOT_ALLOWED, (m) => withHmac(m, '')],
  'alg ES256K': [NOT_ALLOWED, (m) => m.headed({ alg: 'ES256K' })],
  'alg es256': [NOT_ALLOWED, (m) => m.headed({ alg: 'es256' })],
  'alg RS1': [NOT_ALLOWED, (m) => m.headed({ alg: 'RS1' })],
  'alg of encryption': [NOT_ALLOWED, (m) => m.headed({ alg: 'RSA-OAEP' })],
  'alg a name that every object has': [NOT_ALLOWED, (m) => m.headed({ alg: 'constructor' })],
  'no alg': ['no algorithm', (m) => m.headed({ alg: undefined })],
  'alg as a list': ['no algorithm', (m) => m.headed({ alg: ['ES256'] })],
  'alg of another kind of key': [OTHER_ALG, (m) => forged(m, 'RS256')],
  'alg of another curve': [OTHER_ALG, (m) => forged(m, 'ES384')],
  'alg PS256 by a key for RS256': [
    OTHER_ALG,
    ({ rsa, url }) => assertionOf({ ...rsa, alg: 'PS256' }, url),
  ],
  'a key of its own under that kid': [WRONG, (m) => forged(m, 'ES256')],
  'a signature of zeros': [WRONG, (m) => signedWith(m, () => Buffer.alloc(64))],
  'a signature of r = 0': [
    WRONG,
    (m) => signedWith(m, (right) => Buffer.concat([Buffer.alloc(32), right.subarray(32)])),
  ],
  'a signature of all ones': [WRONG, (m) => signedWith(m, () => Buffer.alloc(64, 255))],
  'a signature in ASN.1': [WRONG, (m) => signedWith(m, der)],
  'a signature that was cut': [WRONG, (m) => signedWith(m, (right) => right.subarray(0, 32))],
  'a signature with more behind it': [
    WRONG,
    (m) => signedWith(m, (right) => Buffer.concat([right, Buffer.alloc(1)])),
  ],
  'one bit flipped': [
    WRONG,
    (m) =>
      signedWith(m, (right) => {
        right[40] = (right[40] ?? 0) ^ 1;
        return right;
      }),
  ],
  'the signature of another assertion': [
    WRONG,
    (m) => {
      const [header, payload] = m.with({}).split('.');
      return `${header}.${payload}.${m.with({ jti: 'other' }).split('.')[2]}`;
    },
  ],
  'no signature': ['no signature', (m) => `${m.with({}).split('.').slice(0, 2).join('.')}.`],
  'no kid': ['no kid', (m) => m.headed({ kid: undefined })],
  'an empty kid': ['no kid', (m) => m.headed({ kid: '' })],
  'kid as a number': ['no kid', (m) => m.headed({ kid: 0 })],
  'kid as a list': ['no kid', (m) => m.headed({ kid: [m.machine.kid] })],
  'a kid of 256 characters': ['no kid', (m) => m.headed({ kid: 'x'.repeat(256) })],
  'kid with a NUL': ['no kid', (m) => m.headed({ kid: `${m.machine.kid}\0` })],
  'kid as SQL': ['no kid', (m) => m.headed({ kid: "x' or '1'='1" })],
  'kid as a path': ['unknown key', (m) => m.headed({ kid: '../../../dev/null' })],
  'kid of nothing': ['unknown key', (m) => m.headed({ kid: 'x' })],
  "another account's kid and signature": [
    'unknown key',
    (m) => compact(m.other, JSON.stringify(m.claims), headerOf(m.other)),
  ],
};

const strange = (name: string) => `the header has "${name}"`;
const THREE = 'it has not three parts';
const SPELLING = 'it is not in the one spelling of base64url';
const TWICE = (what: string) => `the ${what} has a member twice`;
const NO_OBJECT = (what: string) => `the ${what} is no JSON object`;

/** The right assertion with a payload that is any text. */
const saying = ({ machine }: Made, payload: string) => compact(machine, payload, headerOf(machine));
/** The right assertion with a header that is any text. */
const headedBy = ({ machine, claims }: Made, header: string) =>
  compact(machine, JSON.stringify(claims), header);
const part = (text: string, index: number, change: (part: string) => string) =>
  text
    .split('.')
    .map((each, at) => (at === index ? change(each) : each))
    .join('.');

const FORMS: Readonly<Record<string, Defect>> = {
  'a key in the header': [
    strange('jwk'),
    (m) => {
      const { privateKey, publicKey } = keyPair('ES256');
      const jwk = publicKey.export({ format: 'jwk' });
      const header = { ...headerOf(m.machine), jwk };
      return compact({ ...m.machine, privateKey }, JSON.stringify(m.claims), header);
    },
  ],
  'the address of keys in the header': [strange('jku'), (m) => m.headed({ jku: m.trap })],
  'the address of certificates in the header': [strange('x5u'), (m) => m.headed({ x5u: m.trap })],
  'a certificate in the header': [strange('x5c'), (m) => m.headed({ x5c: ['AAAA'] })],
  'the thumbprint of a certificate in the header': [
    strange('x5t#S256'),
    (m) => m.headed({ 'x5t#S256': 'AAAA' }),
  ],
  'crit for what is known': [strange('crit'), (m) => m.headed({ crit: ['exp'], exp: 1 })],
  'crit for nothing': [strange('crit'), (m) => m.headed({ crit: [] })],
  'a payload that is not encoded': [
    strange('crit'),
    (m) => {
      const header = encoded(JSON.stringify({ ...headerOf(m.machine), crit: ['b64'], b64: false }));
      const input = `${header}.${JSON.stringify(m.claims).replaceAll('.', '')}`;
      return `${header}.${encoded(input)}.${signatureOf(m.machine, input)}`;
    },
  ],
  'b64 without crit': [strange('b64'), (m) => m.headed({ b64: false })],
  'a payload that is packed': [strange('zip'), (m) => m.headed({ zip: 'DEF' })],
  'enc in the header': [strange('enc'), (m) => m.headed({ enc: 'A256GCM' })],
  'a member in the header that nobody knows': [
    'the header has a member that is not known',
    (m) => m.headed({ 'urn:example': 1 }),
  ],
  'a prototype in the header': [
    'the header has a member that is not known',
    (m) => headedBy(m, `{"alg":"ES256","kid":"${m.machine.kid}","__proto__":{"alg":"none"}}`),
  ],
  'typ of an access token': ['typ names something else', (m) => m.headed({ typ: 'at+jwt' })],
  'typ of a DPoP proof': ['typ names something else', (m) => m.headed({ typ: 'dpop+jwt' })],
  'typ as a number': ['typ names something else', (m) => m.headed({ typ: 1 })],
  encrypted: ['it is encrypted', (m) => `${m.with({})}.AAAA.AAAA`],
  'two parts': [THREE, (m) => m.with({}).split('.').slice(0, 2).join('.')],
  'four parts': [THREE, (m) => `${m.with({})}.AAAA`],
  'one word': [THREE, () => 'nonsense'],
  'a JWS in JSON': [
    THREE,
    (m) => {
      const [first, payload, signature] = m.with({}).split('.');
      return JSON.stringify({ protected: first, payload, signature });
    },
  ],
  'three empty parts': [NO_OBJECT('header'), () => '..'],
  'a space before it': [SPELLING, (m) => ` ${m.with({})}`],
  'a line end behind it': [SPELLING, (m) => `${m.with({})}\n`],
  'a space within it': [
    SPELLING,
    (m) => part(m.with({}), 1, (each) => `${each.slice(0, 8)} ${each.slice(8)}`),
  ],
  padding: [SPELLING, (m) => part(m.with({}), 2, (each) => `${each}==`)],
  'the other alphabet of base64': [
    SPELLING,
    (m) => {
      // As long as it takes for a signature that differs in the two alphabets.
      for (;;) {
        const text = m.with({ jti: randomUUID() });
        if (/[-_][^.]*$/.test(text)) {
          return part(text, 2, (each) => each.replaceAll('-', '+').replaceAll('_', '/'));
        }
      }
    },
  ],
  'spare bits in its last character': [
    SPELLING,
    (m) =>
      part(m.with({}), 2, (each) => {
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        const last = alphabet.indexOf(each.at(-1) ?? '');
        return `${each.slice(0, -1)}${alphabet[last + 1]}`;
      }),
  ],
  'a header that is no JSON': [NO_OBJECT('header'), (m) => headedBy(m, '{alg:ES256}')],
  'a header that is a list': [NO_OBJECT('header'), (m) => headedBy(m, '[{"alg":"ES256"}]')],
  'a header that is null': [NO_OBJECT('header'), (m) => headedBy(m, 'null')],
  'alg twice': [
    TWICE('header'),
    (m) => headedBy(m, `{"alg":"none","kid":"${m.machine.kid}","alg":"ES256"}`),
  ],
  'alg twice, once escaped': [
    TWICE('header'),
    (m) => headedBy(m, `{"\\u0061lg":"none","kid":"${m.machine.kid}","alg":"ES256"}`),
  ],
  'a payload that is no JSON': [NO_OBJECT('payload'), (m) => saying(m, 'nonsense')],
  'a payload that is a list': [NO_OBJECT('payload'), (m) => saying(m, '[]')],
  'a payload that is text': [NO_OBJECT('payload'), (m) => saying(m, '"sa_x"')],
  'a payload that is null': [NO_OBJECT('payload'), (m) => saying(m, 'null')],
  'an empty payload': [NO_OBJECT('payload'), (m) => saying(m, '')],
  'a payload with a byte order mark': [
    NO_OBJECT('payload'),
    (m) => saying(m, `\ufeff${JSON.stringify(m.claims)}`),
  ],
  'a payload that is no UTF-8': [
    NO_OBJECT('payload'),
    (m) => {
      const text = JSON.stringify({ ...m.claims, x: 'x' });
      const bytes = Buffer.concat([
        Buffer.from(text.slice(0, -2)),
        Buffer.from([0xff, 0x22, 0x7d]),
      ]);
      const input = `${encoded(JSON.stringify(headerOf(m.machine)))}.${bytes.toString('base64url')}`;
      return `${input}.${signatureOf(m.machine, input)}`;
    },
  ],
  'exp twice': [
    TWICE('payload'),
    (m) => saying(m, `${JSON.stringify(m.claims).slice(0, -1)},"exp":${m.at + 60}}`),
  ],
  'sub twice, once escaped': [
    TWICE('payload'),
    (m) => saying(m, `{"su\\u0062":"${m.personId}",${JSON.stringify(m.claims).slice(1)}`),
  ],
  'a payload a hundred deep': [
    'the payload is nested too deeply',
    (m) => saying(m, `{"x":${'['.repeat(100)}${']'.repeat(100)}}`),
  ],
};

const CLIENT = 'client_id is not iss';

const SENDERS: Readonly<Record<string, Defect>> = {
  'with the client_id of another account': [CLIENT, (m) => sentBy(m, m.other.id)],
  'with the client_id of a client': [CLIENT, (m) => sentBy(m, m.clientId)],
  'with the client_id of our own pages': [CLIENT, (m) => sentBy(m, 'gatehouse-account')],
  "with a person's id as client_id": [CLIENT, (m) => sentBy(m, m.personId)],
  'with the client_id of nobody': [CLIENT, (m) => sentBy(m, 'nobody')],
  'with the client_id that stands for all': [CLIENT, (m) => sentBy(m, 'sa_unverified')],
};

const sentBy = (made: Made, client_id: string): Sent => ({
  assertion: made.with({ jti: randomUUID() }),
  fields: { client_id },
});

const REFUSED = { error: 'invalid_grant', error_description: 'grant request is invalid' };

onOneStore('assertions with a defect', (store) => {
  let gatehouse: Gatehouse;
  let trap: Server;
  let calls = 0;
  let home: Omit<Made, 'claims' | 'at' | 'with' | 'headed'>;
  let baseline: ReturnType<typeof withoutTrace>;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
    trap = createServer((_request, response) => {
      calls += 1;
      response.end('{"keys":[]}');
    });
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
    const { port } = trap.address() as AddressInfo;
    home = {
      url: gatehouse.url,
      trap: `http://127.0.0.1:${port}/keys`,
      machine: await createMachine(gatehouse),
      rsa: await createMachine(gatehouse, { alg: 'RS256' }),
      other: await createMachine(gatehouse),
      personId: (await createPerson(gatehouse)).id,
      clientId: (await createRelyingParty(gatehouse)).id,
    };
    const nobody = { ...home.machine, id: 'sa_nobody' };
    baseline = withoutTrace(await present(gatehouse.url, assertionOf(nobody, gatehouse.url)));
  });
  after(async () => {
    trap.close();
    await gatehouse.stop();
  });

  const make = (): Made => {
    const claims = claimsOf(home.machine, home.url);
    const signed = (more: Members, header: Members) =>
      compact(home.machine, JSON.stringify({ ...claims, ...more }), {
        ...headerOf(home.machine),
        ...header,
      });
    return {
      ...home,
      claims,
      at: Math.floor(Date.now() / 1000),
      with: (more) => signed(more, {}),
      headed: (header) => signed({}, header),
    };
  };

  const rowOf = async (answer: Answer) => {
    const rows = await auditRows(gatehouse, { kind: 'service_account.token' });
    return rows.find(({ trace }) => trace === answer.body.trace);
  };

  /** The same words and headers as for an account that there is not. */
  const expectRefusal = async (answer: Answer, reason: string) => {
    expect(withoutTrace(answer)).to.deep.equal(baseline);
    expect(answer.body).to.include(REFUSED);
    const row = await rowOf(answer);
    expect(row?.reason).to.equal(reason);
    expect(row?.outcome).to.equal('refused');
    return row;
  };

  const table = { ...CLAIMS, ...SIGNATURES, ...FORMS, ...SENDERS };
  for (const [what, [reason, defect]] of Object.entries(table)) {
    it(what, async () => {
      const made = make();
      const sent = defect(made);
      const { assertion, fields } =
        typeof sent === 'string' ? { assertion: sent, fields: {} } : sent;
      const row = await expectRefusal(await present(home.url, assertion, { fields }), reason);
      // Nobody's row tells of somebody who is not there.
      if (row?.accountId !== undefined) expect(row.accountId).to.match(/^sa_/);
      expect(calls, 'requests to an address of the header').to.equal(0);
      // What it was made from was right, and is not spent by what was not.
      const right = await present(home.url, made.with({}));
      expect(right.status, JSON.stringify(right.body)).to.equal(200);
    });
  }

  it('there are enough of them', () => {
    expect(Object.keys(table).length).to.be.greaterThan(100);
  });

  describe('of an account or a key that may not', () => {
    const refusedAs = async (machine: Machine, reason: string) => {
      const row = await expectRefusal(
        await present(home.url, assertionOf(machine, home.url)),
        reason,
      );
      expect(row).to.include({ accountId: machine.id });
      expect(row?.detail).to.deep.equal({ kid: machine.kid });
    };

    it('disabled', async () => {
      await refusedAs(await createMachine(gatehouse, { status: 'disabled' }), 'account disabled');
    });
    it('a key that was revoked', async () => {
      const revokedAt = Date.now();
      await refusedAs(await createMachine(gatehouse, { revokedAt }), 'key revoked');
    });
    it('a key that has expired', async () => {
      const expiresAt = Date.now() - 1;
      await refusedAs(await createMachine(gatehouse, { expiresAt }), 'key expired');
    });
    it('from elsewhere', async () => {
      const addresses = ['192.0.2.0/24'];
      await refusedAs(await createMachine(gatehouse, { addresses }), 'address not allowed');
    });
    it('an RSA key of 1024 bits, though it stands in the table', async () => {
      const weak = await createMachine(gatehouse, { alg: 'RS256', modulusLength: 1024 });
      await refusedAs(weak, WRONG);
    });
    it('a shared secret, though it stands in the table', async () => {
      const machine = await createMachine(gatehouse);
      const secret = randomBytes(32);
      const { sql, compile, write } = gatehouse.core.store;
      const jwk = JSON.stringify({ kty: 'oct', k: secret.toString('base64url') });
      const row = { alg: 'HS256', jwk };
      await write(
        compile(sql('service_account_keys').where({ account_id: machine.id }).update(row), 1),
      );
      const header = { alg: 'HS256', kid: machine.kid };
      const input = `${encoded(JSON.stringify(header))}.${encoded(JSON.stringify(claimsOf(machine, home.url)))}`;
      const mac = createHmac('sha256', secret).update(input).digest('base64url');
      await expectRefusal(await present(home.url, `${input}.${mac}`), NOT_ALLOWED);
    });
  });

  describe('made of something else of ours', () => {
    it('an access token', async () => {
      const answer = await present(home.url, assertionOf(home.rsa, home.url));
      const token = String(answer.body.access_token);
      await expectRefusal(await present(home.url, token), 'typ names something else');
    });
  });

  it('a human is never the subject of what comes of one', async () => {
    const { rows } = { rows: await auditRows(gatehouse, { accountId: home.personId }) };
    expect(rows.filter(({ kind }) => kind === 'service_account.token')).to.deep.equal([]);
  });
});
