// Somebody holds sign-ins from before a password was changed, and offers guesses at the new one.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

onOneStore('a sign-in held from before a change of password', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  it('does not tell whether a guess is the new password', async () => {
    const { email, password } = await createWeakPerson(gatehouse);
    const open = async (web: Web) =>
      web.submit(await web.get(party.url().url), '/prove/password', { email, password });
    const offer = async (web: Web, page: Awaited<ReturnType<typeof open>>, guess: string) =>
      web.submit(page, '/new-password', { new_password: guess, confirm_password: guess });
    const [owner, first, second] = [1, 2, 3].map(() => createWeb(gatehouse.url)) as [Web, Web, Web];
    const held = [await open(first), await open(second)] as const;
    await offer(owner, await open(owner), NEW_PASSWORD);
    const right = await offer(first, held[0], NEW_PASSWORD);
    const wrong = await offer(second, held[1], 'Zefi7-Momu4-Takil2');
    expect([right.status, titleOf(right)]).to.deep.equal([wrong.status, titleOf(wrong)]);
    expect(right.status, 'the sign-in is over').to.equal(410);
  });
});
