// The mail about a sign-in from a browser that an account did not know, and when there is none.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess } from '../support/guesses.ts';
import { mailsTo } from '../support/mailbox.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { onOneStore, SQLITE } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const SUBJECT = 'New sign-in to your Gatehouse account';
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

onOneStore('a sign-in from a new browser', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const told = async ({ email }: Person, at = gatehouse) =>
    (await mailsTo(at, email)).filter(({ subject }) => subject === SUBJECT);
  const links = async ({ id }: Person) => {
    const { store: database } = gatehouse.core;
    const rows = database.sql('one_time_links').where({ account_id: id });
    return (await database.all(database.compile(rows))).length;
  };

  it('is told with when, where and which browser, and one link', async () => {
    const person = await createPerson(gatehouse);
    await signIn(gatehouse, party, person);
    expect(await told(person), 'nobody is told of the first one').to.deep.equal([]);
    const address = freshAddress();
    await guess(party, person.email, person.password, { address, userAgent: AGENT });
    const [mail, ...more] = await told(person);
    expect(more).to.deep.equal([]);
    expect(mail?.text).to.match(/^When: \d+ \w+ \d{4} at \d\d:\d\d UTC$/m);
    expect(mail?.text).to.include(`Browser: Firefox on Linux\nNetwork address: ${address}\n`);
    expect(mail?.text).to.match(/^This wasn't me:\nhttp:\S+\/not-me\/[\w-]{43}$/m);
    expect(mail?.html).to.include('>This wasn&#39;t me</a>');
    expect(mail?.text.match(/https?:/g)).to.have.length(1);
  });

  it('is not told again of the browser that is known by then', async () => {
    const person = await createPerson(gatehouse);
    await signIn(gatehouse, party, person);
    const web = createWeb(gatehouse.url);
    for (let time = 0; time < 3; time += 1) {
      await signIn(gatehouse, party, person, { web, parameters: { prompt: 'login' } });
    }
    expect(await told(person)).to.have.length(1);
  });

  it('is told of the first one, too, where the account has a past elsewhere, or is no longer new', async () => {
    const imported = await createExistingPerson(gatehouse);
    await signIn(gatehouse, party, imported);
    expect(await told(imported)).to.have.length(1);
    const idle = await createPerson(gatehouse);
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: idle.id }).update({ created_at: 1 });
    await database.write(database.compile(row, 1));
    await signIn(gatehouse, party, idle);
    expect(await told(idle)).to.have.length(1);
  });

  it('over JSON is told once a day for each application that keeps no token', async () => {
    const person = await createPerson(gatehouse);
    await signIn(gatehouse, party, person);
    const { email, password } = person;
    const apps = [await createApplication(gatehouse), await createApplication(gatehouse)];
    for (const app of apps) {
      for (let time = 0; time < 3; time += 1) {
        expect((await app.post('login', { email, password })).status).to.equal(200);
      }
    }
    expect(await told(person)).to.have.length(2);
    expect(await links(person), 'no link without a mail').to.equal(2);
    await gatehouse.advance('25h');
    await apps[0]?.post('login', { email, password });
    expect(await told(person)).to.have.length(3);
  });
});

describe('mails about new browsers that are switched off', () => {
  it('are not written, nor are their links', async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'config.json');
    const notices = { new_browser: false };
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, notices }));
    const gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
    try {
      const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
      const person = await createPerson(gatehouse);
      await signIn(gatehouse, party, person);
      await signIn(gatehouse, party, person);
      expect(await mailsTo(gatehouse, person.email)).to.deep.equal([]);
      const { store } = gatehouse.core;
      const all = await store.all(store.compile(store.sql('one_time_links')));
      expect(all).to.deep.equal([]);
    } finally {
      await gatehouse.stop();
    }
  });
});
