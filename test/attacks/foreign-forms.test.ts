// Another site posts to us from the browser of somebody who is signed in, with a token or without.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { ownRoutes, type Route, withLibraryRoutes } from '../support/routes.ts';
import { createWeb, findForm, titleOf, type Web } from '../support/web.ts';

const ELSEWHERE: ReadonlyArray<Readonly<Record<string, string>>> = [
  { origin: 'https://evil.example.com' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
];
/** As an old browser has it. */
const UNSAID: ReadonlyArray<Readonly<Record<string, string>>> = [{}, { origin: 'null' }];

/** Applications of any origin post here: what they send says who they are. */
const FOR_APPLICATIONS = [
  ...['/token', '/userinfo', '/introspect', '/revoke', '/par', '/device/authorize'],
  ...['login', 'mfa', 'mfa/sms', 'refresh', 'logout', 'service-account/token'].map(
    (name) => `/v1/auth/${name}`,
  ),
];
const CHANGING = ['POST', 'PUT', 'PATCH', 'DELETE'];

describe('another site', () => {
  let gatehouse: Gatehouse;
  let routes: readonly Route[];
  let web: Web;

  before(async () => {
    const [started, ofLibrary] = await withLibraryRoutes(() => startGatehouse());
    gatehouse = started;
    routes = [...ownRoutes(gatehouse.core.app), ...ofLibrary];
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    ({ web } = await signIn(gatehouse, party, await createPerson(gatehouse)));
    await web.get(`${gatehouse.url}/forgot-password`);
  });
  after(() => gatehouse.stop());

  const ask = async ({ method, path }: Route, headers: Readonly<Record<string, string>>) => {
    const sends = CHANGING.includes(method) ? { body: new URLSearchParams({ a: 'b' }) } : {};
    const init = { method, redirect: 'manual', headers, ...sends } as const;
    const answer = await fetch(`${gatehouse.url}${path}`, init);
    return { status: answer.status, set: answer.headers.getSetCookie(), text: await answer.text() };
  };
  const isStillIn = async () =>
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Account');

  const changing = () => routes.filter(({ method }) => CHANGING.includes(method));
  const forms = () => changing().filter(({ path }) => !FOR_APPLICATIONS.includes(path));

  it('finds the routes', () => {
    const named = forms().map(({ method, path }) => `${method} ${path}`);
    expect(named).to.include.members([
      'POST /account/sign-out',
      'POST /sign-in/aaaaaaaa/prove/aaaaaaaa',
      'POST /reset-password/aaaaaaaa',
      'POST /sign-out/confirm',
      'POST /device',
    ]);
    expect(named.length).to.be.greaterThan(30);
    const paths = changing().map(({ path }) => path);
    expect(paths).to.include.members(FOR_APPLICATIONS);
  });

  it('gets nothing posted to any form, with cookies or without, and no cookie back', async () => {
    for (const route of forms()) {
      const cookie = web.cookieHeader(`${gatehouse.url}${route.path}`);
      expect(cookie).to.include('gatehouse_session');
      for (const headers of ELSEWHERE.flatMap((each) => [each, { ...each, cookie }])) {
        const { status, set, text } = await ask(route, { ...headers, accept: 'application/json' });
        const says = `${route.method} ${route.path} ${JSON.stringify(headers)}`;
        expect(status, says).to.equal(403);
        expect(JSON.parse(text).error, says).to.equal('csrf_failed');
        expect(set, says).to.deep.equal([]);
      }
    }
    await isStillIn();
  });

  it('gets no cookie back where a browser does not say from where it posts', async () => {
    for (const route of forms()) {
      for (const headers of UNSAID) {
        const { set } = await ask(route, headers);
        expect(set, `${route.method} ${route.path}`).to.deep.equal([]);
      }
    }
  });

  it('signs nobody out by a form', async () => {
    for (const headers of [...ELSEWHERE, ...UNSAID]) {
      // A foreign post brings no Lax cookie along, but what its answer sets would count.
      const sent = { method: 'POST', headers: { cookie: '', ...headers } };
      for (const path of ['/account/sign-out', '/sign-out/confirm', '/device']) {
        await web.once(`${gatehouse.url}${path}`, { ...sent, body: new URLSearchParams() });
      }
    }
    await isStillIn();
  });

  it('takes no cookie away by a link either', async () => {
    for (const route of routes.filter(({ method }) => method === 'GET')) {
      const { set } = await ask(route, { 'sec-fetch-site': 'cross-site' });
      expect(set.join(), route.path).not.to.match(/=;|1970/);
    }
    const out = await ask({ method: 'GET', path: '/sign-out' }, {});
    expect(out.set).to.deep.equal([]);
  });

  it('may post where applications do', async () => {
    for (const path of FOR_APPLICATIONS) {
      const { status, text } = await ask({ method: 'POST', path }, ELSEWHERE[0] ?? {});
      expect(status, path).to.be.within(400, 499);
      expect(JSON.parse(text).error, path).not.to.equal('csrf_failed');
    }
  });

  const send = async (page: string, fields: object, headers: object, action?: string) => {
    const form = findForm(
      await web.get(`${gatehouse.url}${page}`),
      page.replace('out', 'out/confirm'),
    );
    const target = action ? new URL(action, gatehouse.url) : form.action;
    const body = new URLSearchParams({ ...form.fields, ...fields });
    return (await web.once(target, { method: 'POST', body, headers: { ...headers } })).status;
  };
  const OUT = { logout: 'yes' };
  const CODE = { user_code: 'AAAA-AAAA' };

  it('is refused with a token that it has got hold of, however the address is spelt', async () => {
    for (const headers of ELSEWHERE) {
      const spellings = ['confirm', 'CONFIRM', 'confirm/'].map((end) => `/sign-out/${end}`);
      for (const action of [...spellings, '/SIGN-OUT/confirm']) {
        expect(await send('/sign-out', OUT, headers, action), action).to.equal(403);
      }
      expect(await send('/device', CODE, headers)).to.equal(403);
    }
    await isStillIn();
  });

  it('has its protocol requests asked by an address, and touches no session', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const { url } = party.url({ prompt: 'none' });
    const foreign = createWeb(gatehouse.url);
    for (const [address, leads] of [
      [url, /[?&]code=/],
      [`${gatehouse.url}/sign-out?state=s`, /\/sign-out\?state=s$/],
    ] as const) {
      const { origin, pathname, searchParams: body } = new URL(address);
      const init = { method: 'POST', body, headers: { origin: 'https://evil.example.com' } };
      // Without the cookie, as browsers send what another site posts.
      const answer = await foreign.once(`${origin}${pathname}`, init);
      expect(answer.status, pathname).to.equal(303);
      expect(answer.headers.getSetCookie(), pathname).to.deep.equal([]);
      const next = await web.get(new URL(answer.headers.get('location') ?? '', gatehouse.url));
      expect(next.url.href).to.match(leads);
    }
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Account');
    for (const [body, status] of [
      ['client_id=%ff', 400],
      ['client_id=a&client_id=b', 400],
      ['scope=openid', 400],
      [`client_id=a&state=${'b'.repeat(20_000)}`, 400],
      [`client_id=a&state=${'%20'.repeat(20_000)}`, 400],
      [`client_id=a&state=${'b'.repeat(70_000)}`, 413],
    ] as const) {
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const init = { method: 'POST', body, headers };
      expect((await foreign.once(`${gatehouse.url}/authorize`, init)).status).to.equal(status);
    }
    const json = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } };
    expect((await foreign.once(`${gatehouse.url}/sign-out`, json)).status).to.equal(415);
  });

  it('our own pages post as they always did', async () => {
    const own = { origin: gatehouse.url, 'sec-fetch-site': 'same-origin' };
    expect(await send('/device', CODE, own)).to.equal(303);
    expect(await send('/sign-out', OUT, { origin: 'null' })).to.equal(303);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
  });
});
