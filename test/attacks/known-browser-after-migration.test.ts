// Somebody who signed in with the old password stays no known browser when the password gives way.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD, setHash } from '../support/weak-person.ts';
import { createWeb, type Web } from '../support/web.ts';

onBothStores('a known browser of the time before a migration', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const signIn = async (web: Web, person: { email: string; password: string }) => {
    const page = await web.get(party.url({ prompt: 'login' }).url);
    const { email, password } = person;
    return web.submit(page, '/prove/password', { email, password });
  };
  const isKnown = async (web: Web, accountId: string) => {
    const cookie = web.cookies().find(({ name }) => name === 'gatehouse_browser')?.value;
    const { knownBrowsers } = gatehouse.core;
    return (await knownBrowsers.find({ accountId }, { browser: cookie })) !== undefined;
  };

  it('is a stranger afterwards, and the one that migrated stays known', async () => {
    const person = await createWeakPerson(gatehouse);
    const [thief, owner] = [createWeb(gatehouse.url), createWeb(gatehouse.url)];
    const { core } = gatehouse;
    // Before the policy was in force, any password would do.
    await setHash(gatehouse, person.id, await core.hashing.hash(NEW_PASSWORD));
    for (const web of [thief, owner]) await signIn(web, { ...person, password: NEW_PASSWORD });
    expect(await isKnown(thief, person.id)).to.equal(true);
    await setHash(gatehouse, person.id, await core.hashing.hash(person.password));
    const page = await signIn(owner, person);
    const next = 'Zefi7-Momu4-Takil2';
    await owner.submit(page, '/new-password', { new_password: next, confirm_password: next });
    expect(await isKnown(owner, person.id), 'the owner').to.equal(true);
    expect(await isKnown(thief, person.id), 'the thief').to.equal(false);
  });
});
