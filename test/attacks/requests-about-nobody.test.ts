// Authorization requests without any scope of OpenID: a loop without end, as long as a process lived.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { API, WITH_RESOURCES } from '../support/machine.ts';
import {
  allowIfAsked,
  createPerson,
  createRelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onOneStore('a request about nobody', (store) => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
  });
  after(() => gatehouse.stop());

  const parameters = { scope: 'read', resource: API };
  const metadata = { resources: [API] };

  it('for an API alone brings a token for it, at the first time and at the next', async () => {
    const party = await createRelyingParty(gatehouse, { metadata });
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    for (const _ of [1, 2]) {
      const { tokens } = await signIn(gatehouse, party, person, { web, parameters });
      expect(tokens).to.include({ scope: 'read' }).and.not.to.have.property('id_token');
      expect(decodeJwt(tokens.access_token)).to.include({ sub: person.id, aud: API });
    }
  });

  it('asks for the person later, where it is asked for', async () => {
    const party = await createRelyingParty(gatehouse, { metadata });
    const person = await createPerson(gatehouse);
    const { web } = await signIn(gatehouse, party, person, { parameters });
    const consent = await web.get(party.url({ scope: 'openid email' }).url);
    expect(consent.text).to.include('value="allow"');
    const answer = await allowIfAsked(web, consent);
    expect(answer.url.searchParams.has('code')).to.equal(true);
  });

  it('for nothing at all is denied', async () => {
    const party = await createRelyingParty(gatehouse, { metadata });
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url({ scope: undefined }).url);
    const answer = await signInAt(web, page, await createPerson(gatehouse));
    expect(answer.url.searchParams.get('error')).to.equal('access_denied');
  });
});
