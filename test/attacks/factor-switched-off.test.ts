// The only factor of an account is no longer offered: its password alone signs nobody in.
import { expect } from 'chai';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onOneStore('an account whose only factor was switched off', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    person = await createEnrolledPerson(gatehouse, party);
    // What is left of somebody with a phone alone, where no texts are sent any more.
    const { phones, store: database } = gatehouse.core;
    const rows = ['authenticators', 'backup_codes'].map((table) =>
      database.compile(database.sql(table).where({ account_id: person.id }).del()),
    );
    await database.write(...rows, phones.add(person.id, '+15005550099'));
  });
  after(() => gatehouse.stop());

  it('is led to a new one before its sign-in ends', async () => {
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    expect(page.url.searchParams.get('code'), 'a code for the application').to.equal(null);
    expect(titleOf(page)).to.match(/Set up two-factor/);
  });
});
