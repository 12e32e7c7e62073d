// The counters cannot be read: nobody signs in, and nobody guesses.
import { expect } from 'chai';
import { GatehouseError } from '../../src/lib/errors.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createVerifier, guess, guessWrong } from '../support/guesses.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onBothStores('limits away', (store) => {
  const verifier = createVerifier();
  let isBusy = false;
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({
      store,
      methods: (needs) => {
        const [password] = verifier.methods(needs);
        if (!password) throw new Error('no method');
        const busy = () => Promise.reject(new GatehouseError('busy', { retryAfter: 5 }));
        return [{ ...password, verify: (a) => (isBusy ? busy() : password.verify(a)) }];
      },
    });
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  it('an attempt that found no place in the queue counts nothing', async () => {
    const person = await createPerson(gatehouse);
    isBusy = true;
    expect(await guessWrong(party, person.email, 8)).to.deep.equal(Array(8).fill(503));
    isBusy = false;
    expect(await guessWrong(party, person.email, 6)).to.deep.equal([...Array(5).fill(422), 429]);
  });

  it('a table that is gone refuses everybody with 503 and Retry-After', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    expect(titleOf(await guess(party, person.email, person.password, { web }))).to.equal(
      'Allow access',
    );
    web.clear(({ name }) => name !== 'gatehouse_browser');
    const { store: database } = gatehouse.house;
    await database.run(database.compile(database.sql.raw('drop table limit_counters')));
    const before = verifier.looks();
    for (const from of [{}, { web }]) {
      for (const password of ['wrong', person.password]) {
        const page = await guess(party, person.email, password, from);
        expect(page.status).to.equal(503);
        expect(Number(page.headers.get('retry-after'))).to.be.greaterThan(0);
        expect(page.text).not.to.match(/limit_counters|no such table|relation/);
      }
    }
    expect(verifier.looks() - before).to.equal(0);
  });
});
