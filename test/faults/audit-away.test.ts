// The audit cannot be written: nothing happens that it ought to tell, and refusals stay refusals.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createVerifier, guess, guessWrong } from '../support/guesses.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onBothStores('the audit away', (store) => {
  const verifier = createVerifier();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store, factors: verifier.factors });
    party = await createRelyingParty(gatehouse);
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const rename = async (from: string, to: string) => {
    const { store: database } = gatehouse.core;
    await database.run(database.compile(database.sql.raw(`alter table ${from} rename to ${to}`)));
  };

  it('refuses what it must tell of, and what was refused anyway reads as ever', async () => {
    const { web, tokens } = await signIn(gatehouse, party, person);
    const request = party.url({ prompt: 'none' });
    const code = codeOf(await web.get(request.url));
    const guessed = await createPerson(gatehouse);
    const right = await createPerson(gatehouse);
    const page = await web.get(`${gatehouse.url}/account`);
    await rename('audit_events', 'elsewhere');
    expect(await guessWrong(party, guessed.email, 6)).to.deep.equal([...Array(5).fill(422), 429]);
    expect((await guess(party, right.email, right.password)).status).to.equal(503);
    expect((await party.redeem(request, code)).status).to.equal(503);
    expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(503);
    expect((await web.submit(page, '/account/sign-out')).status).to.equal(503);
    await rename('elsewhere', 'audit_events');
    // Nothing of it has happened.
    expect((await party.redeem(request, code)).status).to.equal(200);
    expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
    const silent = await createWeb(gatehouse.url, web.cookies()).get(request.url);
    expect(silent.url.searchParams.get('code')).to.be.a('string');
  });
});
