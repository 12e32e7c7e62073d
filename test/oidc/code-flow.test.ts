// The authorization code flow, end to end.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('authorization code flow', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  it('gives an ID token that says who, when and how', async () => {
    const person = await createPerson(gatehouse);
    const party = await createRelyingParty(gatehouse);
    const before = Math.floor(Date.now() / 1000);
    const { tokens } = await signIn(gatehouse, party, person, { parameters: { nonce: 'n-1' } });
    const claims = decodeJwt(tokens.id_token ?? '');
    expect(claims).to.include({ sub: person.id, aud: party.id, iss: gatehouse.url, nonce: 'n-1' });
    expect(claims.acr).to.equal('urn:gatehouse:acr:password');
    expect(claims.amr).to.deep.equal(['pwd']);
    expect(claims.sid).to.be.a('string');
    expect(claims.auth_time).to.be.within(before, Date.now() / 1000);
    const userinfo = await party.userinfo(tokens.access_token);
    expect(userinfo.body).to.deep.include({ sub: person.id, email: person.email });
  });
});
