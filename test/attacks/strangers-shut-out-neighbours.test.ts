// Wrong secrets from one place: whoever sends them gains nothing by another User-Agent, and whoever
// stands beside them with a right secret is never refused.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress } from '../support/guesses.ts';
import { createPerson, createRelyingParty } from '../support/relying-party.ts';
import { askForLink, choose, DONE, RESET, VOID } from '../support/reset-link.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, titleOf, type Web } from '../support/web.ts';

const LIMIT = 20;
const NEW_PASSWORD = 'Vorn4-Quab8-Mel!2';

onBothStores('strangers with wrong secrets', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY });
  });
  after(() => gatehouse.stop());

  /** Addresses of one range. */
  const rangeOf = () => {
    const prefix = freshAddress().replace(/7$/, '');
    return (index: number) => `${prefix}${(index % 250) + 1}`;
  };
  const badLink = (address: string, userAgent: string) =>
    createWeb(gatehouse.url).once(`${gatehouse.url}/reset-password/${'x'.repeat(43)}`, {
      headers: { 'x-forwarded-for': address, 'user-agent': userAgent },
    });

  it('bad links: a range has twenty, whatever its addresses and User-Agents', async () => {
    const address = rangeOf();
    const statuses: number[] = [];
    for (let index = 0; index < LIMIT + 5; index += 1) {
      statuses.push((await badLink(address(index), `Agent/${index}`)).status);
    }
    expect(statuses).to.deep.equal([...Array(LIMIT).fill(410), ...Array(5).fill(429)]);
    expect((await badLink(freshAddress(), 'Agent/1')).status, 'elsewhere').to.equal(410);
  });

  it('bad links of a stranger leave a neighbour the right one, from the first to the last page', async () => {
    const { email } = await createPerson(gatehouse);
    const link = await askForLink(gatehouse, email);
    const address = rangeOf();
    for (let index = 0; index <= LIMIT; index += 1) await badLink(address(index), 'Agent/1');
    const headers = { 'x-forwarded-for': address(7), 'user-agent': 'Agent/1' };
    const web: Web = createWeb(gatehouse.url);
    const shown = await web.once(link, { headers });
    expect(shown.status).to.equal(200);
    const page = await web.get(link, headers);
    const { action, fields } = findForm(page, new URL(link).pathname);
    const form = await web.post(action, fields, headers);
    expect([form.status, titleOf(form)]).to.deep.equal([200, RESET]);
    const done = await choose(web, form, NEW_PASSWORD);
    expect(titleOf(done)).to.equal(DONE);
    const again = await web.get(link, headers);
    expect(again.status, 'a spent one is a wrong one').to.equal(429);
    const elsewhere = await web.get(link);
    expect(titleOf(elsewhere)).to.equal(VOID);
  });

  it('client secrets: a range has twenty wrong ones, and the right one works beside them', async () => {
    const metadata = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
    const party = await createRelyingParty(gatehouse, { metadata });
    const address = rangeOf();
    const attempt = async (secret: string, index: number) => {
      const response = await fetch(`${gatehouse.url}/token`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${party.id}:${secret}`)}`,
          'x-forwarded-for': address(index),
          'user-agent': `Agent/${index}`,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
      await response.text();
      return response.status;
    };
    const statuses: number[] = [];
    for (let index = 0; index < LIMIT + 5; index += 1) statuses.push(await attempt('no', index));
    expect(statuses).to.deep.equal([...Array(LIMIT).fill(401), ...Array(5).fill(429)]);
    expect(await attempt(String(party.secret), 3)).to.equal(200);
  });

  it('codes of devices: a range has twenty, whatever its addresses and User-Agents', async () => {
    const address = rangeOf();
    const statuses: number[] = [];
    for (let index = 0; index < LIMIT + 3; index += 1) {
      const web = createWeb(gatehouse.url);
      const page = await web.get(`${gatehouse.url}/device`);
      const { action, fields } = findForm(page, '/device');
      const headers = { 'x-forwarded-for': address(index), 'user-agent': `Agent/${index}` };
      const answer = await web.post(action, { ...fields, user_code: 'BBBB-BBBB' }, headers);
      statuses.push(answer.status);
    }
    expect(statuses).to.deep.equal([...Array(LIMIT).fill(200), ...Array(3).fill(429)]);
  });
});
