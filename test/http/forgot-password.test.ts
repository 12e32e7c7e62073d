// Forgot your password?: a link for whoever reads the mails of an account, and the way back.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { lastMailTo, linkIn, mailsTo } from '../support/mailbox.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, findForm, titleOf, type Web } from '../support/web.ts';

const FORGOT = 'Forgot your password?';

onOneStore('Forgot your password?', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const open = () => web.get(`${gatehouse.url}/forgot-password`);
  const ask = async (email: string) => web.submit(await open(), '/forgot-password', { email });

  it('is linked from the sign-in, leads back to it, and mails a link', async () => {
    const signIn = await web.get(party.url().url);
    const href = /href="([^"]+)">Forgot password\?</.exec(signIn.text)?.[1] ?? '';
    const page = await web.get(new URL(href, gatehouse.url));
    expect(titleOf(page)).to.equal(FORGOT);
    const backOn = (text: string) => /href="([^"]+)">Back to sign in</.exec(text)?.[1];
    expect(backOn(page.text)).to.equal(signIn.url.pathname);
    const sent = await web.submit(page, '/forgot-password', { email: person.email });
    expect(sent.status).to.equal(200);
    expect(titleOf(sent)).to.equal('Check your email');
    expect(sent.text).to.include(person.email).and.to.include('30 minutes');
    expect(backOn(sent.text)).to.equal(signIn.url.pathname);
    expect(titleOf(await web.get(new URL(backOn(sent.text) ?? '', gatehouse.url)))).to.equal(
      'Sign in',
    );
    const mail = await lastMailTo(gatehouse, person.email);
    expect(mail.subject).to.equal('Choose a new Gatehouse password');
    expect(linkIn(mail)).to.match(new RegExp(`^${gatehouse.url}/reset-password/[\\w-]{43}$`));
  });

  for (const elsewhere of [
    'https://evil.example.com/',
    '//evil.example.com/',
    '/\\evil.example.com',
    '/sign-in/../account',
    '/sign-in/x?y=//evil.example.com',
    '/sign-in/',
    'javascript:alert(1)',
    '',
  ]) {
    it(`leads back to no other place: ${JSON.stringify(elsewhere)}`, async () => {
      const query = new URLSearchParams({ return_to: elsewhere });
      const page = await web.get(`${gatehouse.url}/forgot-password?${query}`);
      expect(page.text).to.include('<a class="quiet" href="/account">Back to sign in</a>');
      const { action, fields } = findForm(page, '/forgot-password');
      expect(fields).not.to.have.property('return_to');
      const form = { ...fields, email: person.email, return_to: elsewhere };
      const sent = await web.post(action, form);
      expect(sent.text).to.include('href="/account">Back to sign in</a>');
    });
  }

  it('sends to the address of the account, however it was typed', async () => {
    const wide = person.email.replace(/^p/, 'Ｐ').toUpperCase();
    expect((await ask(` ${wide} `)).status).to.equal(200);
    expect(await mailsTo(gatehouse, person.email)).to.have.length(1);
    expect(await mailsTo(gatehouse, wide)).to.have.length(0);
  });

  it('wants an address, and keeps what was typed', async () => {
    const empty = await ask('  ');
    expect(empty.status).to.equal(400);
    expect(empty.text).to.include('Enter your email address.');
    const wrong = await ask('nobody <script>');
    expect(wrong.status).to.equal(400);
    expect(wrong.text).to.include('That doesn&#39;t look like an email address.');
    expect(wrong.text).to.include('value="nobody &lt;script&gt;"');
  });

  it('mails three times in an hour and no fourth time, in the same words', async () => {
    for (let time = 0; time < 5; time += 1) {
      expect(titleOf(await ask(person.email))).to.equal('Check your email');
    }
    expect(await mailsTo(gatehouse, person.email)).to.have.length(3);
    const other = await createPerson(gatehouse);
    await ask(other.email);
    expect(await mailsTo(gatehouse, other.email)).to.have.length(1);
    await gatehouse.advance('60m');
    await ask(person.email);
    expect(await mailsTo(gatehouse, person.email)).to.have.length(4);
  });

  it('mails nobody at a suspended account', async () => {
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: person.id });
    await database.write(database.compile(row.update({ status: 'suspended' }), 1));
    expect(titleOf(await ask(person.email))).to.equal('Check your email');
    expect(await mailsTo(gatehouse, person.email)).to.have.length(0);
    const links = database.sql('one_time_links').where({ account_id: person.id });
    expect(await database.all(database.compile(links))).to.deep.equal([]);
  });

  it('is sent by our own page alone', async () => {
    const { action, fields } = findForm(await open(), '/forgot-password');
    const form = { ...fields, email: person.email };
    const refused = [
      await web.post(action, { ...form, csrf: 'forged' }),
      await createWeb(gatehouse.url).post(action, form),
      await web.post(action, form, { origin: 'https://evil.example.com' }),
      await web.post(action, form, { 'sec-fetch-site': 'cross-site' }),
    ];
    expect(refused.map(({ status }) => status)).to.deep.equal([403, 403, 403, 403]);
    expect(await mailsTo(gatehouse, person.email)).to.have.length(0);
    expect((await web.post(action, form)).status).to.equal(200);
  });
});
