// Somebody reads the person's mail: a new password as often as they like, and no code more for it.
import { expect } from 'chai';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { askForLink, resetPassword } from '../support/reset-link.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const PASSWORDS = ['Vemo4-Lurk8-Pazi2', 'Zefi7-Momu4-Takil2'];

onOneStore('guessing codes after resets by mail', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  it('a reset does not forget the wrong codes', async () => {
    const owner = await createEnrolledPerson(gatehouse, party);
    const right = codeFor(owner.secret);
    const wrong = String((Number(right) + 500_000) % 1_000_000).padStart(6, '0');
    let evaluated = 0;
    for (const password of [owner.password, ...PASSWORDS]) {
      if (password !== owner.password) {
        const link = await askForLink(gatehouse, owner.email);
        await resetPassword(createWeb(gatehouse.url), link, password);
      }
      const thief = createWeb(gatehouse.url);
      const page = await afterPassword(thief, party, { ...owner, password });
      for (let guess = 0; guess < 6; guess += 1) {
        const { status } = await thief.submit(page, '/prove/totp', { code: wrong });
        if (status === 422) evaluated += 1;
      }
    }
    expect(evaluated).to.equal(10);
  });
});
