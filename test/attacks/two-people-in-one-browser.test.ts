// Two people sign in side by side in one browser, and the answer of the first comes after the second.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  CLIENT_URI,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

onOneStore('two people in one browser', (store) => {
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

  it('who signs in where somebody else was meant gets no code for it', async () => {
    const [meant, other] = [await createPerson(gatehouse), await createPerson(gatehouse)];
    const { tokens } = await signIn(gatehouse, party, meant);
    const hinted = () => party.url({ id_token_hint: tokens.id_token });
    for (const prompt of [undefined, 'login']) {
      const web = createWeb(gatehouse.url);
      if (prompt) await signIn(gatehouse, party, other, { web });
      const { url } = party.url({ id_token_hint: tokens.id_token, prompt });
      const last = await signInAt(web, await web.get(url), other);
      expect(last.url.searchParams.get('code')).to.equal(null);
      expect(last.url.searchParams.get('error')).to.equal('login_required');
    }
    const web = createWeb(gatehouse.url);
    codeOf(await signInAt(web, await web.get(hinted().url), meant));
    codeOf(await web.get(hinted().url));
  });

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
      if (titleOf(page) !== 'Your sign-in expired') expect(page.url.href).to.equal(CLIENT_URI);
      expect(page.text).not.to.include('<form');
      expect(page.headers.get('content-security-policy')).not.to.include('sha256');
    }
    expect(answers.map(titleOf)).to.include('Your sign-in expired');
    expect((await web.get(`${gatehouse.url}/account`)).text).to.include(second.email);
    const ends = await auditRows(gatehouse, { kind: 'session.ended', accountId: second.id });
    expect(ends).to.deep.equal([]);

    await web.submit(await web.get(`${gatehouse.url}/sign-out`), '/confirm', { logout: 'yes' });
    const again = await web.get(late);
    expect(again.url.searchParams.get('code')).to.equal(null);
    expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
  });
});
