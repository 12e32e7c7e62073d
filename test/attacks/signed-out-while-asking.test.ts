// An application that is taken out of a session while a request of it is on its way to a code.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { findForm } from '../support/web.ts';

const FIRST_PARTY = { metadata: { first_party: true } };
/** Far more than any request needs. */
const MANY = 50;

onBothStores('an application that is signed out while it asks', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  /** Runs `act` before the unit that starts the family, and ends what would go on for ever. */
  const beforeTheFamily = async <T>(act: () => Promise<void>, ask: () => Promise<T>) => {
    const { store: open } = gatehouse.core;
    const { commit } = open;
    let units = 0;
    let isDone = false;
    const counted: typeof commit = async (unit) => {
      units += 1;
      if (units > MANY) throw new Error('it goes on for ever');
      if (!isDone && unit.some(({ sql }) => /update .session_clients/.test(sql))) {
        isDone = true;
        await act();
      }
      return commit(unit);
    };
    Object.assign(open, { commit: counted });
    try {
      return await ask();
    } finally {
      Object.assign(open, { commit });
      expect(isDone).to.equal(true);
    }
  };

  it('is told so, gets no code, and can ask again', async () => {
    const { url } = gatehouse;
    const person = await createPerson(gatehouse);
    const other = await createRelyingParty(gatehouse, FIRST_PARTY);
    const { web } = await signIn(gatehouse, other, person);
    const party = await createRelyingParty(gatehouse, FIRST_PARTY);
    const signOutHere = async () => {
      const tab = web.copy();
      const form = findForm(await tab.get(`${url}/sign-out?client_id=${party.id}`), '/confirm');
      // Without its button: the person stays signed in, and the application does not.
      const page = await tab.post(form.action, { xsrf: form.fields.xsrf ?? '' });
      expect(page.url.pathname).to.equal('/sign-out/success');
    };
    const page = await beforeTheFamily(signOutHere, () => web.once(party.url().url));
    const answer = new URL(page.headers.get('location') ?? '');
    expect(answer.searchParams.get('error')).to.equal('access_denied');
    expect(answer.searchParams.has('code')).to.equal(false);
    await signIn(gatehouse, party, person);
  });
});
