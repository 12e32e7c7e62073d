// Somebody saw the QR code of an authenticator that was not added: the next one is another.
import { expect } from 'chai';
import { openAccount, passSignIn } from '../support/account-page.ts';
import { secretOn } from '../support/authenticator-app.ts';
import { createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('a secret that was seen earlier in a session', (store) => {
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
});
