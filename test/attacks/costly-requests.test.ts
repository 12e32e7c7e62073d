// Requests that cost parsers more than they cost whoever sends them.
import { createRequire } from 'node:module';
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { ownRoutes, withLibraryRoutes } from '../support/routes.ts';

const MOST = 100;
const many = (count: number) => Array.from({ length: count }, () => 'a').join('&');
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

/** What Koa reads every query with. */
const koaQueries = createRequire(createRequire(import.meta.url).resolve('koa'))(
  './search-params.js',
) as { parse: (text: string) => object };

describe('costly requests', () => {
  let gatehouse: Gatehouse;
  let paths: readonly string[];
  let party: RelyingParty;

  before(async () => {
    const [started, ofLibrary] = await withLibraryRoutes(() => startGatehouse());
    gatehouse = started;
    const routes = [...ownRoutes(gatehouse.core.app), ...ofLibrary];
    const found = routes.filter(({ method }) => method === 'GET').map(({ path }) => path);
    paths = [...new Set([...found, '/nothing', '/assets/gatehouse.css'])];
    const metadata = { token_endpoint_auth_method: 'none' };
    party = await createRelyingParty(gatehouse, { metadata });
  });
  after(() => gatehouse.stop());

  const ask = async (path: string, init: RequestInit = {}) => {
    const headers = { accept: 'application/json', ...(init.headers as object) };
    const answer = await fetch(`${gatehouse.url}${path}`, { redirect: 'manual', ...init, headers });
    return { status: answer.status, text: await answer.text() };
  };
  const post = (path: string, body: string, headers: object = {}) =>
    ask(path, { method: 'POST', body, headers: { ...FORM, ...headers } });

  const expectTooMany = ({ status, text }: Awaited<ReturnType<typeof ask>>, says: string) => {
    expect(status, says).to.equal(400);
    expect(JSON.parse(text).error_description, says).to.match(
      /^The (address|form) has more than 100 parameters\. Send only those that are needed\.$/,
    );
  };

  describe('queries', () => {
    const parse = koaQueries.parse;
    let longest = 0;
    before(() => {
      koaQueries.parse = (text) => {
        longest = Math.max(longest, text.split('&').length);
        return parse(text);
      };
    });
    after(() => {
      koaQueries.parse = parse;
    });

    for (const piece of ['a&', '&', 'a=&', '=&', '%61&']) {
      it(`of 8 KB of ${piece} are refused at every address before they are parsed`, async () => {
        expect(paths.length).to.be.greaterThan(30);
        const query = piece.repeat(8192 / piece.length);
        for (const path of paths) expectTooMany(await ask(`${path}?${query}`), path);
        expect(longest).to.be.at.most(MOST);
      });
    }

    it('of a hundred parameters are read', async () => {
      expect((await ask(`/account/callback?${many(MOST)}`)).text).not.to.include('parameters');
      expect(longest).to.equal(MOST);
      expectTooMany(await ask(`/account/callback?${many(MOST + 1)}`), 'one more');
    });
  });

  const FORMS = [
    ...['/token', '/userinfo', '/introspect', '/revoke', '/par', '/device/authorize', '/device'],
    ...['/sign-out/confirm', '/account/sign-out', '/account/password', '/forgot-password'],
    ...['/reset-password', '/reset-password/check', '/v1/auth/service-account/token'],
  ];
  for (const path of FORMS) {
    it(`forms of many fields are refused at ${path}`, async () => {
      for (const body of ['a&'.repeat(30_000), '&'.repeat(60_000), many(MOST + 1)]) {
        expectTooMany(await post(path, body), path);
      }
      expect((await post(path, many(MOST))).text).not.to.include('more than');
    });
  }

  it('media types with quotes are not compared one by one', async () => {
    const html = async (accept: string) => (await ask('/nothing', { headers: { accept } })).text;
    expect(await html('text/html, a/b;c="d"')).to.include('<h1');
    const long = `text/html,${'a/b,'.repeat(1000)}`;
    expect(await html(`${long}a/b`)).to.include('<h1');
    // As if it took everything.
    expect(JSON.parse(await html(`${long}"`)).error).to.equal('not_found');
  });

  describe('addresses that are longer than any', () => {
    const letters = Array.from({ length: 800 }, (_, n) => String.fromCodePoint(0x4e00 + n));
    const address = `https://${letters.join('')}.example.com/`;
    const names = ['redirect_uri', 'resource', 'post_logout_redirect_uri', 'request_uri'];
    for (const name of names) {
      it(`${name} is measured before it is parsed`, async () => {
        const fields = { client_id: party.id, grant_type: 'refresh_token', [name]: address };
        const sent = new URLSearchParams(fields).toString();
        const answers = [await ask(`/authorize?${sent}`), await ask(`/sign-out?${sent}`)];
        for (const path of ['/token', '/par', '/device/authorize']) {
          answers.push(await post(path, sent));
          answers.push(
            await post(
              path,
              sent.replace(name, `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`),
            ),
          );
        }
        for (const { status, text } of answers) {
          expect(status).to.equal(400);
          expect(JSON.parse(text).error_description).to.equal(`${name} is longer than 2048 bytes.`);
        }
      });
    }
  });

  it('a charset hides nothing from whoever measures', async () => {
    const fields = `client_id=${party.id}&grant_type=refresh_token`;
    const as = (charset: string) => ({
      'content-type': `${FORM['content-type']}; charset=${charset}`,
    });
    const hidden = {
      method: 'POST',
      body: Buffer.from(fields, 'utf16le'),
      headers: as('utf-16le'),
    };
    expect(JSON.parse((await ask('/token', hidden)).text).error_description).to.equal(
      'no client authentication mechanism provided',
    );
    const plain = await post('/token', fields, as('ISO-8859-1'));
    expect(JSON.parse(plain.text).error_description).to.include("parameter 'refresh_token'");
  });

  it('a proof of possession is measured, too', async () => {
    const { status, text } = await post('/token', 'grant_type=a', { dpop: 'a'.repeat(4097) });
    expect(status).to.equal(400);
    expect(JSON.parse(text).error_description).to.include('DPoP is longer than 4096');
  });

  it('of ten thousand unknown members a few are named', async () => {
    const members = Array.from({ length: 5000 }, (_, n) => [`m${n}`, 1]);
    const body = JSON.stringify(Object.fromEntries(members));
    const { status, text } = await post('/v1/auth/login', body, {
      'content-type': 'application/json',
    });
    expect(status).to.equal(400);
    expect(text.length).to.be.lessThan(1000);
  });
});
