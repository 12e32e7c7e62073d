// Two people sign in side by side in one browser, and the answer of the first comes after the second.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

onBothStores('two people in one browser', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  /** The sign-in ends, and the browser has yet to go where that leads. */
  const endSignIn = (web: Web, page: Page, fields: Record<string, string>) => {
    const form = findForm(page, '/prove/password');
    const body = new URLSearchParams({ ...form.fields, ...fields });
    return web.once(form.action, { method: 'POST', body });
  };

  it('a late answer signs nobody out, and is void for good', async () => {
    const [first, second] = [await createPerson(gatehouse), await createPerson(gatehouse)];
    const web = createWeb(gatehouse.url);
    const tabs = [await web.get(party.url().url), await web.get(party.url().url)] as const;
    const { email, password } = first;
    const ended = await endSignIn(web, tabs[0], { email, password });
    const late = new URL(ended.headers.get('location') ?? '', gatehouse.url);
    const other = { email: second.email, password: second.password };
    const done = await web.submit(tabs[1], '/prove/password', other);
    expect(done.url.searchParams.get('code')).to.be.a('string');

    const answers = await Promise.all([web.copy().get(late), web.copy().get(late)]);
    for (const page of [...answers, await web.get(late)]) {
      expect(page.status, page.text).to.be.oneOf([400, 410]);
      expect(page.text).not.to.include('<form');
      expect(page.headers.get('content-security-policy')).not.to.include('sha256');
    }
    expect(answers.map(titleOf)).to.include('Your sign-in expired');
    expect((await web.get(`${gatehouse.url}/account`)).text).to.include(second.email);
    expect(await auditRows(gatehouse, { kind: 'session.ended' })).to.deep.equal([]);

    await web.submit(await web.get(`${gatehouse.url}/sign-out`), '/confirm', { logout: 'yes' });
    const again = await web.get(late);
    expect(again.url.searchParams.get('code')).to.equal(null);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
  });
});
