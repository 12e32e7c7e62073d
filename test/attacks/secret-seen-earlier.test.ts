// Somebody saw a QR code that was not used, or codes that were not saved: the next ones are others.
import { expect } from 'chai';
import { openAccount, passSignIn } from '../support/account-page.ts';
import { backupCodesOn, secretOn } from '../support/authenticator-app.ts';
import { createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';

onOneStore('a secret that was seen earlier in a session', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
  });
  after(() => gatehouse.stop());

  it('is not offered again once the person has proved anew who they are', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const person = await createEnrolledPerson(gatehouse, party);
    const { web } = await openAccount(gatehouse, person);
    const add = `${gatehouse.url}/account/authenticators/add/totp`;
    const seen = secretOn(await web.get(add));
    expect(secretOn(await web.get(add)), 'on reload').to.equal(seen);
    await gatehouse.advance('11m');
    const later = await passSignIn(gatehouse, web, await web.get(add), person);
    expect(secretOn(later)).not.to.equal(seen);
  });

  it('nor are backup codes, and those of before count for nothing', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const person = await createEnrolledPerson(gatehouse, party);
    const { web } = await openAccount(gatehouse, person);
    const path = `${gatehouse.url}/account/backup-codes`;
    const page = await web.get(path);
    const seen = backupCodesOn(page);
    expect(backupCodesOn(await web.get(path)), 'on reload').to.deep.equal(seen);
    await gatehouse.advance('11m');
    const later = await passSignIn(gatehouse, web, await web.get(path), person);
    expect(backupCodesOn(later).filter((code) => seen.includes(code))).to.deep.equal([]);
    await web.submit(page, '/account/backup-codes', { saved: 'yes' });
    await web.submit(later, '/account/backup-codes', { saved: 'yes' });
    const { recoveryCodes } = gatehouse.core;
    expect(await recoveryCodes.find(person.id, seen[0] ?? '')).to.equal(undefined);
    expect(await recoveryCodes.find(person.id, backupCodesOn(later)[0] ?? '')).to.be.an('object');
  });
});
