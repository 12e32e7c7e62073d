// Another site has got hold of a form's token, and lets the browser of its owner send it.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { createWeb, findForm, titleOf, type Web } from '../support/web.ts';

const ELSEWHERE = [
  { origin: 'https://evil.example.com' },
  { 'sec-fetch-site': 'cross-site' },
  { origin: 'null', 'sec-fetch-site': 'cross-site' },
];

describe('forms of the library that another site sends', () => {
  let gatehouse: Gatehouse;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse();
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    ({ web } = await signIn(gatehouse, party, await createPerson(gatehouse)));
  });
  after(() => gatehouse.stop());

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

  it('are refused, however their address is spelt', async () => {
    for (const headers of ELSEWHERE) {
      for (const action of ['/sign-out/confirm', '/sign-out/CONFIRM']) {
        expect(await send('/sign-out', OUT, headers, action), action).to.equal(403);
      }
      for (const action of ['/SIGN-OUT/confirm', '/sign-out/confirm/']) {
        expect(await send('/sign-out', OUT, headers, action), action).to.equal(404);
      }
      expect(await send('/device', CODE, headers)).to.equal(403);
    }
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Account');
  });

  it('that belong to the protocol are asked by an address, and touch no session', async () => {
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

  it('from our own pages they work', async () => {
    const own = { origin: gatehouse.url, 'sec-fetch-site': 'same-origin' };
    expect(await send('/device', CODE, own)).to.equal(200);
    expect(await send('/sign-out', OUT, { origin: 'null' })).to.equal(303);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
  });
});
