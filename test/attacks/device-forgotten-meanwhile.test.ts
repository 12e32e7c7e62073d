// A device is forgotten in the very moment in which somebody signs in on the strength of it.
import { expect } from 'chai';
import { nextCode, openOnTrustedDevice } from '../support/account-page.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { titleOf } from '../support/web.ts';

onBothStores('a device that is forgotten meanwhile', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
  });
  after(() => gatehouse.stop());

  /** Between the look at the cookie and the end of the sign-in. */
  const forgetInBetween = (accountId: string) => {
    const { store: database } = gatehouse.core;
    const { commit } = database;
    const rows = database.sql('trusted_devices').where({ account_id: accountId }).del();
    const forgetting = async (unit: Parameters<typeof commit>[0]) => {
      const ends = unit.some(({ sql }) => /^update .?trusted_devices/.test(sql));
      if (ends) await commit([database.compile(rows)]);
      return commit(unit);
    };
    Object.assign(database, { commit: forgetting });
    return () => Object.assign(database, { commit });
  };

  it('signs nobody in', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const person = await createEnrolledPerson(gatehouse, party);
    const web = await openOnTrustedDevice(gatehouse, party, person);
    const restore = forgetInBetween(person.id);
    const last = await afterPassword(web, party, person, { prompt: 'login' });
    restore();
    expect(last.url.searchParams.get('code')).to.equal(null);
    expect(titleOf(last)).to.equal('Your sign-in expired');
    const again = await web.submit(last, '/restart');
    const { email, password } = person;
    const next = await web.submit(again, '/prove/password', { email, password });
    expect(titleOf(next)).to.equal('Two-factor authentication');
  });

  it('does not void a sign-in with a code, which had no need of it', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const person = await createEnrolledPerson(gatehouse, party);
    const web = await openOnTrustedDevice(gatehouse, party, person);
    const wish = { prompt: 'login', acr_values: 'urn:gatehouse:acr:mfa' };
    const page = await afterPassword(web, party, person, wish);
    const { store: database } = gatehouse.core;
    const rows = database.sql('trusted_devices').where({ account_id: person.id }).del();
    await database.write(database.compile(rows, 1));
    const code = await nextCode(gatehouse, person.secret);
    const last = await web.submit(page, '/prove/totp', { code });
    expect(last.url.searchParams.get('code')).to.be.a('string');
  });
});
