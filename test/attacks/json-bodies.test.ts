// Whatever is posted to the JSON doors is answered with what is wrong about it, and they stand.
import { expect } from 'chai';
import { type Application, createApplication } from '../support/application.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import type { Answer, Person } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';

const PATHS = ['login', 'mfa', 'mfa/sms', 'refresh', 'logout'];
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** Body → what the sentence names. */
const LOGINS: Readonly<Record<string, readonly [body: unknown, named: string]>> = {
  'no JSON': ['email=a&password=b', 'JSON'],
  'half an object': ['{"email":"a@example.com"', 'JSON'],
  'an array': [[], 'object'],
  'no password': [{ email: 'a@example.com' }, 'password'],
  'a password that is a number': [{ email: 'a@example.com', password: 1 }, 'password'],
  'an address that is a list': [{ email: ['a@example.com'], password: 'b' }, 'email'],
  'an address that is an object': [{ email: { $gt: '' }, password: 'b' }, 'email'],
  'an address that is blank': [{ email: '   ', password: 'b' }, 'email'],
  'an address without end': [{ email: 'a'.repeat(400), password: 'b' }, 'email'],
  'a NUL in the password': [{ email: 'a@example.com', password: 'a\0b' }, 'password'],
  'an unknown member': [{ email: 'a@example.com', password: 'b', role: 'admin' }, 'role'],
  'a password twice': ['{"email":"a@example.com","password":"a","password":"b"}', 'password'],
  'a prototype': ['{"email":"a@example.com","password":"a","__proto__":{"a":1}}', '__proto__'],
  'two codes': [
    { email: 'a@example.com', password: 'b', totp_code: '1', backup_code: '2' },
    'totp_code, backup_code',
  ],
  'a code that is a number': [
    { email: 'a@example.com', password: 'b', totp_code: 123456 },
    'totp_code',
  ],
  'a scope with a line break': [{ email: 'a@example.com', password: 'b', scope: 'a\nb' }, 'scope'],
  'ten thousand arrays': [`{"email":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'nested'],
  'ten thousand objects': [`${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 'nested'],
};

onOneStore('JSON doors', (store) => {
  let gatehouse: Gatehouse;
  let app: Application;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    app = await createApplication(gatehouse);
    person = await createExistingPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const right = () => ({ email: person.email, password: person.password });
  const isRefused = ({ status, body, headers }: Answer, expected: number, named: string) => {
    expect(status, JSON.stringify(body)).to.equal(expected);
    expect(headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(String(body.error_description)).to.include(named);
    expect(body.trace).to.match(/^[0-9A-Z]{10}$/);
    expect(JSON.stringify(body)).not.to.match(/node_modules|\.ts|stack/);
  };

  for (const [what, [body, named]] of Object.entries(LOGINS)) {
    it(`login refuses ${what}`, async () => {
      const answer = await app.post('login', body);
      isRefused(answer, 400, named);
      expect(answer.body.error).to.equal('invalid_request');
    });
  }

  for (const path of PATHS) {
    it(`${path} takes JSON alone, whatever the caller would rather read`, async () => {
      const html = { accept: 'text/html' };
      isRefused(await app.post(path, right(), { headers: { ...FORM, ...html } }), 415, 'json');
      isRefused(
        await app.post(path, right(), { headers: { 'content-type': 'text/plain' } }),
        415,
        'json',
      );
      isRefused(await app.post(path, `"${'a'.repeat(70_000)}"`, { headers: html }), 413, '64 KB');
      isRefused(await app.post(path, '{', { headers: html }), 400, 'JSON');
    });

    it(`${path} is no address for browsers of other origins, nor for GET`, async () => {
      const url = `${gatehouse.url}/v1/auth/${path}`;
      const origin = 'https://evil.example.com';
      const asked = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      };
      const preflight = await fetch(url, { method: 'OPTIONS', headers: asked });
      const posted = await app.post(path, right(), { headers: { origin } });
      for (const { headers } of [preflight, posted]) {
        const allowed = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect(allowed).to.deep.equal([]);
      }
      expect(preflight.status).to.equal(405);
      const got = await fetch(url);
      expect([got.status, got.headers.get('allow')]).to.deep.equal([405, 'POST']);
    });
  }

  it('a string without an end costs no more than any other body', async () => {
    const endless = `"${'\\"'.repeat(32_000)}`;
    // Seconds each, if the end is looked for from every quote: this would not be over in time.
    for (let times = 0; times < 40; times += 1) {
      isRefused(await app.post('login', endless, { authorization: undefined }), 400, 'JSON');
    }
  });

  it('no cookie is read or set', async () => {
    const first = await app.post('login', right());
    expect(first.status).to.equal(200);
    expect(first.headers.getSetCookie()).to.deep.equal([]);
    const cookie = 'gatehouse_session=a; gatehouse_browser=b; gatehouse_device_aaaaaaaa=c';
    const second = await app.post('login', right(), { headers: { cookie } });
    expect(second.status).to.equal(200);
    expect(second.headers.getSetCookie()).to.deep.equal([]);
    expect(second.headers.get('cache-control')).to.equal('no-store');
  });

  it('a proof of possession is not silently ignored', async () => {
    const answer = await app.post('login', right(), { headers: { dpop: 'a.b.c' } });
    isRefused(answer, 400, 'DPoP');
  });

  it("two ways to authenticate, and a name that is not the caller's, are refused", async () => {
    const other = await createApplication(gatehouse);
    const mixed = await app.post('login', { ...right(), client_id: other.id });
    expect(mixed.status).to.equal(400);
    const assertion = { client_assertion: 'a.b.c', client_assertion_type: 'x' };
    const both = await app.post('login', { ...right(), ...assertion });
    expect(both.status).to.equal(400);
  });

  it('the server stands, and the right request is right', async () => {
    expect((await app.post('login', right())).status).to.equal(200);
  });
});
