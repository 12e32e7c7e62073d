// Twenty times the same at once, over two processes: what has happened once is told of once.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, type Page, type Web } from '../support/web.ts';

const AT_ONCE = 20;

onBothStores('twenty at once', (store) => {
  let pair: Pair;
  let party: RelyingParty;

  before(async () => {
    pair = await startPair(store, { GATEHOUSE_CONFIG: '' });
    party = await createRelyingParty(pair, {
      metadata: {
        first_party: true,
        backchannel_logout_uri: 'https://app.example.com/signed-out',
      },
    });
  });
  after(() => pair.stop());

  /** With the cookies of this moment, at one of the processes. */
  const send = async (web: Web, page: Page, action: string, fields: object, index: number) => {
    const form = findForm(page, action);
    const target = new URL(form.action.pathname, pair.processes[index % 2]?.url);
    const body = new URLSearchParams({ ...form.fields, ...fields }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await web.copy().once(target, { method: 'POST', body, headers });
    expect(answer.status, answer.text.slice(0, 300)).to.be.below(500);
    return answer;
  };
  const atOnce = (web: Web, page: Page, action: string, fields: (index: number) => object) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => send(web, page, action, fields(index), index)),
    );
  const locks = async (filter: { accountId?: string } = {}) =>
    (await auditRows(pair, { ...filter, kind: 'sign_in.locked' })).filter(
      ({ reason }) => reason === 'limit reached',
    );
  it('wrong codes reach the limit once, and once more in the next window', async () => {
    const person = await createEnrolledPerson(pair, party);
    const web = createWeb(pair.url);
    for (let round = 1; round <= 2; round += 1) {
      const page = await afterPassword(web, party, person);
      const wrong = (index: number) => ({ code: `x${index}` });
      const answers = await atOnce(web, page, '/prove/totp', wrong);
      expect(answers.filter(({ status }) => status === 422)).to.have.length(10);
      const told = await locks({ accountId: person.id });
      expect(told.map(({ detail }) => detail.rule)).to.deep.equal(Array(round).fill('codes'));
      await pair.advance('16m');
    }
  });

  it('wrong passwords reach it once', async () => {
    const { email, id } = await createPerson(pair);
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    await atOnce(web, page, '/prove/password', (index) => ({ email, password: `wrong ${index}` }));
    expect((await locks({ accountId: id })).map(({ detail }) => detail.rule)).to.deep.equal([
      'identifier',
    ]);
  });
});
