// Where this place is, only its configuration says: no Host, no Forwarded, no target of a request.
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  REDIRECT_URI,
  type RelyingParty,
} from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { findForm, type Page } from '../support/web.ts';
import { type Answer, send, sendBytes } from './helpers.ts';

const EVIL = 'evil.example';
const FORGED = {
  Host: EVIL,
  'X-Forwarded-Host': EVIL,
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '4443',
  'X-Forwarded-Prefix': `/${EVIL}`,
  'X-Forwarded-For': '203.0.113.9',
  'X-Original-URL': `https://${EVIL}/`,
  'X-Rewrite-URL': `https://${EVIL}/`,
  Forwarded: `for=203.0.113.9;host=${EVIL};proto=https`,
};

function expectUntouched(answer: Answer): void {
  const said = [answer.text, ...answer.headers.getSetCookie(), answer.headers.get('location')];
  for (const text of said)
    expect(text ?? '')
      .not.to.include(EVIL)
      .and.not.to.match(/(:|%3A)4443/i);
  for (const line of answer.headers.getSetCookie()) expect(line).not.to.match(/; (domain|secure)/i);
}

describe('the issuer', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  /** A browser whose every request lies about where it goes. */
  function lyingBrowser() {
    const jar = new Map<string, string>();
    return async (target: string, fields?: Record<string, string>): Promise<Answer> => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const form = { 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await send(gatehouse.url, target, {
        method: fields ? 'POST' : 'GET',
        headers: { ...FORGED, accept: 'text/html', cookie, ...(fields ? form : {}) },
        ...(fields ? { body: new URLSearchParams(fields).toString() } : {}),
      });
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
        jar.set(name, value);
      }
      expectUntouched(answer);
      return answer;
    };
  }

  /** Where an answer leads, on this server. */
  const next = ({ headers }: Answer): string => {
    const url = new URL(headers.get('location') ?? '', gatehouse.url);
    expect(url.origin).to.equal(gatehouse.url);
    return url.pathname + url.search;
  };

  it('is what discovery says, from memory and from the library', async () => {
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration?x',
    ]) {
      const answer = await send(gatehouse.url, path, { headers: FORGED });
      expectUntouched(answer);
      const said = JSON.parse(answer.text);
      expect(said.issuer).to.equal(gatehouse.url);
      expect(said.token_endpoint).to.equal(`${gatehouse.url}/token`);
      expect(said.mtls_endpoint_aliases).to.equal(undefined);
    }
  });

  it('holds through a whole sign-in of a browser that lies, into the tokens', async () => {
    const person = await createPerson(gatehouse);
    const visit = lyingBrowser();
    const request = party.url();
    const { search } = new URL(request.url);
    const path = next(await visit(next(await visit(`/authorize${search}`))));
    const page = await visit(path);
    expect(page.status).to.equal(200);
    const form = findForm(
      { ...page, url: new URL(path, gatehouse.url) } as Page,
      '/prove/password',
    );
    const { email, password } = person;
    const proved = await visit(form.action.pathname, { ...form.fields, email, password });
    const resumed = await visit(next(proved));
    const consentPath = next(resumed);
    const consent = await visit(consentPath);
    const allow = findForm(
      { ...consent, url: new URL(consentPath, gatehouse.url) } as Page,
      '/consent',
    );
    const allowed = await visit(allow.action.pathname, { ...allow.fields, decision: 'allow' });
    const last = await visit(next(allowed));
    const back = new URL(last.headers.get('location') ?? '');
    expect(back.href.startsWith(`${REDIRECT_URI}?`)).to.equal(true);
    expect(back.searchParams.get('iss')).to.equal(gatehouse.url);
    const answer = await party.redeem(request, back.searchParams.get('code') ?? '');
    expect(decodeJwt(String(answer.body.id_token)).iss).to.equal(gatehouse.url);
  });

  it('is where every page and every redirect leads', async () => {
    const visit = lyingBrowser();
    for (const path of [
      '/',
      '/account',
      '/account/callback',
      '/device',
      '/device?user_code=ABCD',
    ]) {
      await visit(path);
    }
    for (const path of ['/sign-out', '/sign-out/success', '/nowhere', '/sign-in/x', '/authorize']) {
      await visit(path);
    }
    const account = new URL((await visit('/account')).headers.get('location') ?? '');
    expect(account.origin).to.equal(gatehouse.url);
    expect(account.searchParams.get('redirect_uri')).to.equal(`${gatehouse.url}/account/callback`);
  });

  it('is what a device shows its person', async () => {
    const grant = 'urn:ietf:params:oauth:grant-type:device_code';
    const metadata = { grant_types: [grant], redirect_uris: [], response_types: [] };
    const { id, secret } = await createRelyingParty(gatehouse, { metadata });
    const answer = await send(gatehouse.url, '/device/authorize', {
      method: 'POST',
      headers: {
        ...FORGED,
        'content-type': 'application/x-www-form-urlencoded',
        ...basic(id, secret),
      },
      body: 'scope=openid',
    });
    expectUntouched(answer);
    expect(JSON.parse(answer.text).verification_uri).to.equal(`${gatehouse.url}/device`);
  });

  it('is not the host of an absolute request target', async () => {
    for (const path of ['/account', '/.well-known/openid-configuration', '/nowhere', '/']) {
      const line = `GET http://${EVIL}${path} HTTP/1.1\r\nHost: ${EVIL}\r\nConnection: close\r\n\r\n`;
      const answer = await sendBytes(gatehouse.url, line);
      expect(answer)
        .to.match(/^HTTP\/1\.1 [234]\d\d /)
        .and.not.to.include(EVIL);
    }
  });

  it('leads nowhere by a path that looks like a host', async () => {
    for (const path of [`//${EVIL}`, `//${EVIL}/account`, `/\\${EVIL}`, `/sign-in//${EVIL}/x`]) {
      const answer = await send(gatehouse.url, path, { headers: { accept: 'text/html' } });
      expect(answer.status, path).to.be.within(300, 499);
      const location = answer.headers.get('location') ?? '/';
      expect(new URL(location, gatehouse.url).origin, path).to.equal(gatehouse.url);
    }
  });

  describe('in DPoP proofs (RFC 9449)', () => {
    it('is the host of htu, whatever Host says', async () => {
      const url = `${gatehouse.url}/token`;
      const good = await tokenWith(await proofFor(url), FORGED);
      expect(good.status).to.equal(200);
      expect(JSON.parse(good.text).token_type).to.equal('DPoP');
      for (const other of [`https://${EVIL}/token`, `http://${EVIL}/token`, `${url}s`]) {
        const bad = await tokenWith(await proofFor(other), FORGED);
        expect(bad.status, other).to.equal(400);
        expect(JSON.parse(bad.text).error).to.equal('invalid_dpop_proof');
      }
    });

    const tokenWith = async (proof: string, headers: Record<string, string>) => {
      const metadata = {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      };
      const { id, secret } = await createRelyingParty(gatehouse, { metadata });
      return send(gatehouse.url, '/token', {
        method: 'POST',
        headers: {
          ...headers,
          ...basic(id, secret),
          dpop: proof,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: 'grant_type=client_credentials',
      });
    };
  });
});

function basic(id: string, secret: string | undefined) {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

async function proofFor(htu: string): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return new SignJWT({ htu, htm: 'POST', jti: randomUUID() })
    .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
    .setIssuedAt()
    .sign(privateKey);
}
