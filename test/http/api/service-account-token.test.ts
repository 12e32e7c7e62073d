// The JSON door to tokens for service accounts: the same grant, the same refusals.
import { expect } from 'chai';
import { codeFor } from '../../support/authenticator-app.ts';
import { type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';
import {
  API,
  assertionOf,
  createMachine,
  JWT_BEARER,
  type Machine,
  present,
  WITH_RESOURCES,
} from '../../support/machine.ts';
import type { Answer } from '../../support/relying-party.ts';
import { onOneStoreExcept } from '../../support/stores.ts';

const FORM = 'application/x-www-form-urlencoded';
const REFUSED = { error: 'invalid_grant', error_description: 'grant request is invalid' };

onOneStoreExcept(/used once/, 'the JSON door for service accounts', (store) => {
  let gatehouse: Gatehouse;
  let machine: Machine;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
    machine = await createMachine(gatehouse);
  });
  after(() => gatehouse.stop());

  const post = async (
    body: string,
    type: string | undefined = 'application/json',
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> => {
    const response = await fetch(`${gatehouse.url}/v1/auth/service-account/token`, {
      method: 'POST',
      headers: { ...(type ? { 'content-type': type } : {}), ...more },
      body: Buffer.from(body),
    });
    const { status, headers } = response;
    return { status, headers, body: (await response.json()) as Answer['body'] };
  };
  const fresh = (more: object = {}) => ({
    grant_type: JWT_BEARER,
    assertion: assertionOf(machine, gatehouse.url),
    ...more,
  });

  it('takes JSON and forms, and answers what the token endpoint does', async () => {
    const door = `${gatehouse.url}/v1/auth/service-account/token`;
    const assertion = assertionOf(machine, door);
    const inJson = await post(JSON.stringify({ grant_type: JWT_BEARER, assertion, resource: API }));
    const asForm = await post(
      new URLSearchParams(fresh({ resource: API, scope: 'read write' })).toString(),
      `${FORM}; charset=utf-8`,
    );
    for (const { status, headers, body } of [inJson, asForm]) {
      expect(status, JSON.stringify(body)).to.equal(200);
      const { access_token: token, ...rest } = body;
      expect(rest).to.deep.equal({ token_type: 'Bearer', expires_in: 900, scope: 'read write' });
      expect(String(token).split('.')).to.have.length(3);
      expect(headers.get('cache-control')).to.include('no-store');
    }
  });

  it('says that there is no scope', async () => {
    const { body } = await post(JSON.stringify(fresh()));
    expect(body.scope).to.equal('');
  });

  it('an assertion is used once over both doors', async () => {
    const { grant_type, assertion } = fresh();
    expect((await present(gatehouse.url, assertion)).status).to.equal(200);
    const again = await post(JSON.stringify({ grant_type, assertion }));
    const { trace, ...rest } = again.body;
    expect(again.status).to.equal(400);
    expect(rest).to.deep.equal(REFUSED);
    expect(trace).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    const other = fresh();
    expect((await post(JSON.stringify(other))).status).to.equal(200);
    expect((await present(gatehouse.url, other.assertion)).status).to.equal(400);
  });

  it('refuses what the token endpoint refuses, in the same words', async () => {
    for (const [fields, error] of [
      [{ assertion: 'nonsense' }, 'invalid_grant'],
      [{ assertion: assertionOf(machine, 'https://example.com') }, 'invalid_grant'],
      [{ resource: 'https://nowhere.example.com' }, 'invalid_target'],
      [{ resource: API, scope: 'admin' }, 'invalid_scope'],
      [{ mfa_code: '1'.repeat(65) }, 'invalid_request'],
    ] as const) {
      const sent = fresh(fields);
      const { grant_type: _, assertion, ...others } = sent;
      const here = await post(JSON.stringify(sent));
      const there = await present(gatehouse.url, assertion, { fields: others as never });
      expect(here.body.error).to.equal(error);
      expect(here.status).to.equal(there.status);
      expect({ ...here.body, trace: '' }).to.deep.equal({ ...there.body, trace: '' });
    }
  });

  it('wrong codes are counted over both doors', async () => {
    const careful = await createMachine(gatehouse, { totp: true });
    const right = () => codeFor(careful.secret ?? '');
    const wrong = () => (right() === '000000' ? '111111' : '000000');
    const send = (mfa_code: string) => {
      const assertion = assertionOf(careful, gatehouse.url);
      return post(JSON.stringify({ grant_type: JWT_BEARER, assertion, mfa_code }));
    };
    const atToken = (mfa_code: string) =>
      present(gatehouse.url, assertionOf(careful, gatehouse.url), { fields: { mfa_code } });
    for (let left = 9; left >= 0; left -= 1) {
      const { body } = await (left % 2 ? send(wrong()) : atToken(wrong()));
      expect(body).to.include({ ...REFUSED, attempts_remaining: left });
      expect(body.reset_at).to.match(/^\d{4}-.*Z$/);
    }
    for (const { status, body, headers } of [await send(right()), await atToken(right())]) {
      expect(status).to.equal(400);
      expect(body).to.include({ ...REFUSED, attempts_remaining: 0 });
      expect(Number(headers.get('retry-after'))).to.be.within(800, 900);
    }
  });

  describe('refuses requests that are malformed, by name', () => {
    const twice = () => JSON.stringify(fresh()).replace('{', '{"assertion":"x",');
    const CASES: Readonly<Record<string, readonly [() => string, string, string]>> = {
      'no JSON': [() => 'nonsense', 'application/json', 'JSON'],
      'a list': [() => '[]', 'application/json', 'object'],
      'no assertion': [() => JSON.stringify({ grant_type: JWT_BEARER }), '', 'assertion'],
      'no grant_type': [() => JSON.stringify({ assertion: 'x' }), '', 'grant_type'],
      'an assertion as a list': [
        () => JSON.stringify(fresh({ assertion: ['x'] })),
        '',
        'assertion',
      ],
      'an assertion twice': [twice, '', 'assertion'],
      'an assertion that is too long': [
        () => JSON.stringify(fresh({ assertion: 'x'.repeat(8193) })),
        '',
        'assertion',
      ],
      'a NUL': [() => JSON.stringify(fresh({ mfa_code: '1\0' })), '', 'mfa_code'],
      'a number for a code': [() => JSON.stringify(fresh({ mfa_code: 123456 })), '', 'mfa_code'],
      'a list of resources': [() => JSON.stringify(fresh({ resource: [API] })), '', 'resource'],
      'a field that is not known': [() => JSON.stringify(fresh({ admin: true })), '', 'admin'],
      'a client': [() => JSON.stringify(fresh({ client_id: machine.id })), '', 'client_id'],
      'an assertion twice, in a form': [
        () => `${new URLSearchParams(fresh())}&assertion=x`,
        FORM,
        'assertion',
      ],
      'a field that is not known, in a form': [
        () => `${new URLSearchParams(fresh())}&x[y]=1`,
        FORM,
        'x',
      ],
    };
    for (const [what, [make, type, named]] of Object.entries(CASES)) {
      it(what, async () => {
        const { status, body } = await post(make(), type || 'application/json');
        expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
        expect(body.error_description).to.include(named);
        expect(body.trace).to.be.a('string');
      });
    }

    it('another grant', async () => {
      const { status, body } = await post(JSON.stringify(fresh({ grant_type: 'password' })));
      expect([status, body.error]).to.deep.equal([400, 'unsupported_grant_type']);
    });

    it('another content type, and another method', async () => {
      for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/jwt']) {
        expect((await post(JSON.stringify(fresh()), type)).status, type).to.equal(415);
      }
      const got = await fetch(`${gatehouse.url}/v1/auth/service-account/token`);
      expect(got.status).to.equal(405);
    });

    it('a DPoP proof, which is made for the token endpoint', async () => {
      const sent = fresh();
      const { status, body } = await post(JSON.stringify(sent), undefined, { dpop: 'x' });
      expect([status, body.error]).to.deep.equal([400, 'invalid_request']);
      expect(body.error_description).to.include('DPoP');
      expect((await post(JSON.stringify(sent))).status, 'it was not spent').to.equal(200);
    });

    it('no page of another origin may read the answer', async () => {
      const origin = { origin: 'https://app.example.com' };
      const { headers } = await post(JSON.stringify(fresh()), undefined, origin);
      expect(headers.has('access-control-allow-origin')).to.equal(false);
    });
  });
});
