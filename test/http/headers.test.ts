// What every answer carries, whatever it answers.
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { type Running, start } from '../../src/main.ts';
import { environment, freePort, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { createWeb, findForm, type Page } from '../support/web.ts';
import { type Answer, expectNoInside, send } from './helpers.ts';

type Kinds = Readonly<Record<string, Answer | Page>>;

/** One answer of every kind there is, by what it is. */
async function everyKind({ core, url }: Pick<Gatehouse, 'core' | 'url'>, at = url) {
  const party = await createRelyingParty({ core, url });
  const json = { accept: 'application/json' };
  const html = { accept: 'text/html' };
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const query = new URL(party.url().url).search;
  const redirect = await send(at, `/authorize${query}`);
  const page = new URL(redirect.headers.get('location') ?? '', url).pathname;
  const cookie = redirect.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const [, icon = ''] =
    /"(\/assets\/[^"]+)"/.exec((await send(at, page, { headers: { cookie } })).text) ?? [];
  return {
    'a redirect': redirect,
    'a page': await send(at, page, { headers: { ...html, cookie } }),
    'a page without its cookie': await send(at, page, { headers: html }),
    'an expired page': await send(at, '/sign-in/unknown', { headers: html }),
    'an error of a form': await send(at, `${page}/prove/password`, {
      method: 'POST',
      headers: { ...form, ...html, cookie },
      body: 'email=a',
    }),
    'an error as a page': await send(at, '/nowhere', { headers: html }),
    'an error as JSON': await send(at, '/nowhere', { headers: json }),
    'an error of the protocol as a page': await send(at, '/authorize', { headers: html }),
    'an error of the token endpoint': await send(at, '/token', { method: 'POST', headers: form }),
    'an error of userinfo': await send(at, '/userinfo', { headers: json }),
    'a broken address': await send(at, '/%ff', { headers: html }),
    'a redirect of the account pages': await send(at, '/account'),
    'a page for devices': await send(at, '/device', { headers: html }),
    'a page after signing out': await send(at, '/sign-out/success', { headers: html }),
    health: await send(at, '/health/ready'),
    'an asset': await send(at, icon),
    'an asset that is known': await send(at, icon, {
      headers: { 'if-none-match': (await send(at, icon)).headers.get('etag') ?? '' },
    }),
    discovery: await send(at, '/.well-known/openid-configuration'),
    JWKS: await send(at, '/jwks'),
  } satisfies Kinds;
}

const CACHED = ['an asset', 'an asset that is known', 'discovery', 'JWKS'];

describe('headers of every answer', () => {
  let gatehouse: Gatehouse;
  let kinds: Kinds;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
    kinds = await everyKind(gatehouse);
  });
  after(() => gatehouse.stop());

  it('there are answers of every kind', () => {
    const found = Object.entries(kinds).map(([kind, { status }]) => [kind, status]);
    expect(Object.fromEntries(found)).to.deep.equal({
      'a redirect': 303,
      'a page': 200,
      'a page without its cookie': 400,
      'an expired page': 410,
      'an error of a form': 403,
      'an error as a page': 404,
      'an error as JSON': 404,
      'an error of the protocol as a page': 400,
      'an error of the token endpoint': 400,
      'an error of userinfo': 401,
      'a broken address': 400,
      'a redirect of the account pages': 303,
      'a page for devices': 200,
      'a page after signing out': 200,
      health: 200,
      'an asset': 200,
      'an asset that is known': 304,
      discovery: 200,
      JWKS: 200,
    });
  });

  it('let nothing be run, framed, sniffed or referred to', () => {
    for (const [kind, { headers }] of Object.entries(kinds)) {
      const policy = headers.get('content-security-policy') ?? '';
      const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule]));
      expect(rules.get('default-src'), kind).to.equal("default-src 'none'");
      expect(rules.get('frame-ancestors'), kind).to.equal("frame-ancestors 'none'");
      expect(rules.get('base-uri'), kind).to.equal("base-uri 'none'");
      expect(policy, kind).not.to.match(/unsafe|\*|https?:(?!\/)/);
      expect(headers.get('x-content-type-options'), kind).to.equal('nosniff');
      expect(headers.get('referrer-policy'), kind).to.equal('no-referrer');
    }
  });

  it('are kept by nobody, except what is the same for all', () => {
    for (const [kind, { headers }] of Object.entries(kinds)) {
      const control = headers.get('cache-control') ?? '';
      if (CACHED.includes(kind)) expect(control, kind).to.match(/^public, max-age=\d+/);
      else expect(control, kind).to.match(/^no-store\b/);
    }
  });

  it('say nothing of the inside', () => {
    for (const answer of Object.values(kinds)) expectNoInside(answer);
  });

  it('promise no https where there is none', () => {
    for (const [kind, { headers }] of Object.entries(kinds)) {
      expect(headers.get('strict-transport-security'), kind).to.equal(null);
    }
  });

  it('bring scripts and styles of this place only, none of them inline', () => {
    const page = kinds['a page']?.text ?? '';
    expect(page).not.to.match(
      /<script(?![^>]* src="\/assets\/)|<style|\sstyle=|\son\w+=|javascript:/,
    );
    expect(page).to.match(/<script src="\/assets\//);
  });
});

describe('headers behind https', () => {
  const ISSUER = 'https://id.example.com';
  let database: TestDatabase;
  let running: Running;
  let at: string;
  before(async () => {
    database = await SQLITE.createMigrated();
    const port = await freePort();
    at = `http://localhost:${port}`;
    running = await start(loadConfig(environment(database, port, { ISSUER, TEST_CLOCK: '' })));
  });
  after(async () => {
    await running.stop();
    database.remove();
  });

  it('promise https for a year, on every answer', async () => {
    for (const [kind, { headers }] of Object.entries(
      await everyKind({ ...running, url: ISSUER }, at),
    )) {
      expect(headers.get('strict-transport-security'), kind).to.match(/^max-age=31536000\b/);
    }
  });

  /** Of a one-time link and of the button on its page. */
  const resetHeaders = async () => {
    const { accounts, links, store } = running.core;
    const account = await accounts.create({ email: 'person@example.com' });
    const { unit, url } = links.create(account, 'invitation', 'a test');
    await store.write(...unit);
    const { pathname } = new URL(url);
    const page = await send(at, pathname, { headers: { accept: 'text/html' } });
    const [cookie = ''] = page.headers.get('set-cookie')?.split(';') ?? [];
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const type = 'application/x-www-form-urlencoded';
    const sending = { method: 'POST', headers: { cookie, 'content-type': type } };
    const spent = await send(at, pathname, { ...sending, body: `csrf=${csrf}` });
    return [page.headers, spent.headers];
  };

  it('make cookies that stay here: __Host-, Secure, HttpOnly, Lax, no Domain', async () => {
    const party = await createRelyingParty({ core: running.core, url: ISSUER });
    const { search } = new URL(party.url().url);
    const { headers } = await send(at, `/authorize${search}`);
    const device = await send(at, '/device', { headers: { accept: 'text/html' } });
    const lines = [headers, device.headers, ...(await resetHeaders())].flatMap((each) =>
      each.getSetCookie(),
    );
    const names = lines.map((line) => line.split('=')[0]);
    expect(names).to.have.members([
      '__Host-gatehouse_sign_in',
      '__Host-gatehouse_session',
      '__Host-gatehouse_session.sig',
      '__Host-gatehouse_form',
      '__Host-gatehouse_reset',
    ]);
    for (const line of lines) {
      expect(line)
        .to.match(/; secure/i)
        .and.to.match(/; httponly/i)
        .and.to.match(/; samesite=lax/i);
      expect(line).not.to.match(/; domain/i);
      expect(line).to.match(/; path=\/(;|$)/i);
    }
  });
});

describe('cookies on this machine', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
  });
  after(() => gatehouse.stop());

  it('are signed, and one that was changed is none', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const { web } = await signIn(gatehouse, party, person);
    const names = web.cookies().map(({ name }) => name);
    expect(names).to.include.members(['gatehouse_session', 'gatehouse_session.sig']);
    const silent = party.url({ prompt: 'none' }).url;
    const cookie = web.cookieHeader(silent);
    const ask = async (sent: string) => {
      const { headers } = await createWeb(gatehouse.url).once(silent, {
        headers: { cookie: sent },
      });
      return new URL(headers.get('location') ?? '').searchParams;
    };
    expect((await ask(cookie)).get('code')).to.be.a('string');
    const changed = [
      cookie.replace(/gatehouse_session\.sig=[^;]*;? ?/, ''),
      cookie.replace(/(gatehouse_session\.sig=)./, '$1'),
      cookie.replace(/(gatehouse_session=)./, '$1'),
      `${cookie.split('=')[0]}=${'x'.repeat(43)}`,
    ];
    for (const sent of changed) expect((await ask(sent)).get('error')).to.equal('login_required');
  });

  it('of sign-ins are one, whatever their number', async () => {
    const party = await createRelyingParty(gatehouse);
    const web = createWeb(gatehouse.url);
    const pages = [await web.get(party.url().url), await web.get(party.url().url)];
    expect(web.cookies().map(({ name }) => name)).to.deep.equal(['gatehouse_sign_in']);
    const tokens = pages.map((page) => findForm(page, '/prove/password').fields.csrf);
    for (const token of tokens) expect(token).to.match(/^[\w-]{43}$/);
    expect(new Set(tokens).size).to.equal(2);
  });
});
