// A one-time link bent to another account, another browser, or guessed.
import { expect } from 'chai';
import { send } from '../http/helpers.ts';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress } from '../support/guesses.ts';
import { lastMailTo, linkIn } from '../support/mailbox.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { askForLink, choose, DONE, RESET, useLink, VOID } from '../support/reset-link.ts';
import { onOneStore } from '../support/stores.ts';
import { NEW_PASSWORD, storedPassword } from '../support/weak-person.ts';
import { alertOf, createWeb, findForm, titleOf, type Web } from '../support/web.ts';

onOneStore('a reset link for others', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let victim: Person;
  let thief: Person;
  let web: Web;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    victim = await createPerson(gatehouse);
    thief = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  const expectUntouched = async (person: Person) => {
    expect((await storedPassword(gatehouse, person.id)).generation).to.equal(1);
    await signIn(gatehouse, party, person);
  };

  it('sets no other password, whatever the form names', async () => {
    const page = await useLink(web, await askForLink(gatehouse, thief.email));
    const { action, fields } = findForm(page, '/reset-password');
    const done = await web.post(action, {
      ...fields,
      new_password: NEW_PASSWORD,
      confirm_password: NEW_PASSWORD,
      username: victim.email,
      email: victim.email,
      account: victim.id,
      account_id: victim.id,
    });
    expect(titleOf(done)).to.equal(DONE);
    await expectUntouched(victim);
    await signIn(gatehouse, party, { ...thief, password: NEW_PASSWORD });
  });

  it('the form of one ticket does not go with the cookie of another', async () => {
    const mine = await useLink(web, await askForLink(gatehouse, thief.email));
    const theirs = createWeb(gatehouse.url);
    await useLink(theirs, await askForLink(gatehouse, victim.email));
    const refused = await choose(theirs, mine, NEW_PASSWORD);
    expect(refused.status).to.equal(403);
    await expectUntouched(victim);
    await expectUntouched(thief);
  });

  it('a ticket of one link does not go on with another that is used', async () => {
    const link = await askForLink(gatehouse, victim.email);
    await useLink(createWeb(gatehouse.url), link);
    await useLink(web, await askForLink(gatehouse, thief.email));
    expect(titleOf(await web.get(link))).to.equal(VOID);
    const form = await web.get(`${gatehouse.url}/reset-password`);
    expect(form.text).to.include(thief.email).and.not.to.include(victim.email);
  });

  it('is not pressed by another site in the browser of somebody else', async () => {
    const link = await askForLink(gatehouse, thief.email);
    const prepared = await web.get(link);
    const { fields } = findForm(prepared, new URL(link).pathname);
    const visited = createWeb(gatehouse.url);
    await visited.get(await askForLink(gatehouse, victim.email));
    const evil = { origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' };
    const refused = [
      await visited.post(link, fields),
      await visited.post(link, fields, evil),
      await createWeb(gatehouse.url).post(link, fields),
      await web.copy().post(link, fields, evil),
      await web.copy().post(link, { ...fields, csrf: '' }),
    ];
    expect(refused.map(({ status }) => status)).to.deep.equal([403, 403, 403, 403, 403]);
    expect(visited.cookies().map(({ name }) => name)).to.deep.equal(['gatehouse_form']);
    expect(titleOf(await useLink(web, link)), 'the link itself is not spent').to.equal(RESET);
  });

  it('leads to this place, whatever host the request named', async () => {
    const evil = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example;proto=https',
    };
    const page = await web.get(`${gatehouse.url}/forgot-password`, evil);
    const { fields } = findForm(page, '/forgot-password');
    const cookie = web.cookieHeader(page.url);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status } = await send(gatehouse.url, '/forgot-password', {
      method: 'POST',
      headers: { ...evil, ...type, cookie },
      body: new URLSearchParams({ ...fields, email: victim.email }).toString(),
    });
    expect(status).to.equal(303);
    const mail = await lastMailTo(gatehouse, victim.email);
    expect(linkIn(mail)).to.match(new RegExp(`^${gatehouse.url}/reset-password/`));
    expect(mail.raw).not.to.include('evil.example');
  });

  it('a planted ticket is none', async () => {
    const cookie = `gatehouse_reset=${'A'.repeat(43)}`;
    for (const planted of [cookie, 'gatehouse_reset=', 'gatehouse_reset=..%00']) {
      const page = await web.once(`${gatehouse.url}/reset-password`, {
        headers: { cookie: planted },
      });
      expect(titleOf(page), planted).to.equal(VOID);
    }
  });

  it('an older link is void once the password was changed in any other way', async () => {
    const link = await askForLink(gatehouse, victim.email);
    const opened = await askForLink(gatehouse, victim.email);
    const page = await useLink(web, opened);
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: victim.id });
    await database.write(database.compile(row.increment('generation', 1), 1));
    expect(titleOf(await choose(web, page, NEW_PASSWORD))).to.equal(VOID);
    expect(titleOf(await createWeb(gatehouse.url).get(link))).to.equal(VOID);
    await signIn(gatehouse, party, victim);
  });

  it('is not guessed: twenty failures of a range, and a right one is never refused', async () => {
    const from = { 'x-forwarded-for': freshAddress(), 'user-agent': 'Guesser/1' };
    const link = await askForLink(gatehouse, victim.email);
    const wrong = (index: number) =>
      `${gatehouse.url}/reset-password/${'x'.repeat(42)}${index % 10}`;
    // By any door: the page, the button, the ticket.
    const start = await web.get(link, from);
    const { fields } = findForm(start, new URL(link).pathname);
    for (let index = 0; index < 20; index += 1) {
      const page = [
        () => web.get(wrong(index), from),
        () => web.post(wrong(index), fields, from),
        () =>
          web.get(`${gatehouse.url}/reset-password`, {
            ...from,
            cookie: `gatehouse_reset=x${index}`,
          }),
      ][index % 3];
      expect((await page?.())?.status, String(index)).to.equal(410);
    }
    const other = { ...from, 'user-agent': 'Another/1' };
    const refused = [
      await web.get(wrong(1), from),
      await web.post(wrong(2), fields, from),
      await web.get(wrong(3), other),
    ];
    for (const page of refused) {
      expect(page.status).to.equal(429);
      expect(titleOf(page)).to.equal('Too many invalid links');
      expect(alertOf(page)).to.match(/Try again at .*\d\d:\d\d UTC/);
      expect(Number(page.headers.get('retry-after'))).to.be.within(800, 900);
    }
    expect(titleOf(await web.get(link, from)), 'nobody guesses this one').to.equal(RESET);
    await gatehouse.advance('15m');
    expect((await web.get(wrong(4), from)).status).to.equal(410);
  });

  it('a right link costs nothing of that, however often it is loaded', async () => {
    const from = { 'x-forwarded-for': freshAddress(), 'user-agent': 'Reader/1' };
    const link = await askForLink(gatehouse, victim.email);
    for (let time = 0; time < 25; time += 1) {
      expect((await createWeb(gatehouse.url).get(link, from)).status).to.equal(200);
    }
    const all = Array.from({ length: 30 }, () => createWeb(gatehouse.url).get(link, from));
    const statuses = (await Promise.all(all)).map(({ status }) => status);
    expect(new Set(statuses)).to.deep.equal(new Set([200]));
  });
});
