// Another site has got hold of a form's token, and lets the browser of its owner send it.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { findForm, titleOf, type Web } from '../support/web.ts';

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

  it('from our own pages they work', async () => {
    const own = { origin: gatehouse.url, 'sec-fetch-site': 'same-origin' };
    expect(await send('/device', CODE, own)).to.equal(200);
    expect(await send('/sign-out', OUT, { origin: 'null' })).to.equal(303);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
  });
});
