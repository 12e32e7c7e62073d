// A suspended person with the right password is told so, and whom to ask, at every door.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Application, createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { alertOf, createWeb } from '../support/web.ts';

const CONTACT = 'help@example.com';

describe('a suspended person', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let app: Application;

  before(async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'contact.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, support: { contact: CONTACT } }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
    party = await createRelyingParty(gatehouse);
    app = await createApplication(gatehouse);
  });
  after(() => gatehouse.stop());

  it('reads so with the right password, twenty times, and nothing is counted', async () => {
    const person = await createPerson(gatehouse);
    const { operations, accounts, store } = gatehouse.core;
    await operations.suspend(await accounts.get(person.id), {
      actor: 'cli:test',
      reason: 'a test',
    });
    const { email, password } = person;
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    for (let time = 0; time < 20; time += 1) {
      const answer = await web.submit(page, '/prove/password', { email, password });
      expect(answer.status).to.equal(403);
      expect(alertOf(answer)).to.match(
        /^This account is suspended\. Contact help@example\.com ?\./,
      );
      expect(answer.text).to.include(`href="mailto:${CONTACT}"`);
      const { status, body } = await app.post('login', { email, password });
      expect([status, body.error, body.error_description]).to.deep.equal([
        403,
        'account_suspended',
        `This account is suspended. Contact ${CONTACT}.`,
      ]);
    }
    const counters = await store.all(store.compile(store.sql('limit_counters')));
    const guesses = counters.filter(({ rule }) => rule !== 'open-requests');
    expect(guesses.filter(({ failures }) => Number(failures) > 0)).to.deep.equal([]);
  });
});
