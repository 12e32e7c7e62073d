// Tokens that a browser's sign-in brought, refreshed over JSON: the browser is as idle as it was.
import { expect } from 'chai';
import { application } from '../support/application.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { titleOf } from '../support/web.ts';

onOneStore('an idle browser', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  it('asks for the password after a day, however often its tokens were refreshed', async () => {
    const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    const { web, tokens } = await signIn(gatehouse, party, await createPerson(gatehouse));
    const app = application(gatehouse.url, party.id, party.secret);
    let refreshToken: unknown = tokens.refresh_token;
    for (const _ of [1, 2]) {
      await gatehouse.advance('13h');
      const { status, body } = await app.post('refresh', { refreshToken });
      expect(status, JSON.stringify(body)).to.equal(200);
      refreshToken = body.refreshToken;
    }
    expect(titleOf(await web.get(party.url().url))).to.equal('Sign in');
  });
});
