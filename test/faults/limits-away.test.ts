// The counters cannot be read: nobody signs in, and nobody guesses.
import { expect } from 'chai';
import { GatehouseError } from '../../src/lib/errors.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createVerifier, guess, guessWrong } from '../support/guesses.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

onBothStores('limits away', (store) => {
  const verifier = createVerifier();
  let isBusy = false;
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({
      store,
      factors: (needs) => {
        const [password] = verifier.factors(needs);
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
    const open = async (from: Web) => ({ from, page: await from.get(party.url().url) });
    const opened = [web, web, createWeb(gatehouse.url), createWeb(gatehouse.url)];
    const pages: Array<Awaited<ReturnType<typeof open>>> = [];
    for (const each of opened) pages.push(await open(each));
    const { store: database } = gatehouse.core;
    await database.run(database.compile(database.sql.raw('drop table limit_counters')));
    const before = verifier.looks();
    const answers = [await open(createWeb(gatehouse.url)).then(({ page }) => page)];
    for (const [index, { from, page }] of pages.entries()) {
      const password = index % 2 === 0 ? 'wrong' : person.password;
      answers.push(await from.submit(page, '/prove/password', { email: person.email, password }));
    }
    for (const answer of answers) {
      expect(answer.status).to.equal(503);
      expect(Number(answer.headers.get('retry-after'))).to.be.greaterThan(0);
      expect(answer.text).not.to.match(/limit_counters|no such table|relation/);
    }
    expect(verifier.looks() - before).to.equal(0);
  });
});
