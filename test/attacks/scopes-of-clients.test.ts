// Clients that ask for more than they are registered for, or keep what was taken from them.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { application, createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { API, WITH_RESOURCES } from '../support/machine.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';
const EVERYTHING = 'openid email profile';

onOneStore('the scopes of a client', (store) => {
  let gatehouse: Gatehouse;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const narrow = (party: Pick<RelyingParty, 'id'>, scope: string) =>
    gatehouse.core.clients.update(party.id, { scope });

  for (const scope of ['read', 'openid read']) {
    it(`with "${scope}" it asks for no address and no name, at any endpoint`, async () => {
      const metadata = { scope, grant_types: ['authorization_code', DEVICE_CODE] };
      const party = await createRelyingParty(gatehouse, { metadata });
      for (const parameters of [{ scope: EVERYTHING }, { scope: 'read email', resource: API }]) {
        const page = await createWeb(gatehouse.url).get(party.url(parameters).url);
        expect(page.url.searchParams.get('error')).to.equal('invalid_scope');
        const { secret = '' } = party;
        const fields = { ...parameters, client_id: party.id, client_secret: secret };
        for (const path of ['/device/authorize', '/par']) {
          const body = new URLSearchParams({
            ...fields,
            ...Object.fromEntries(new URL(party.url(parameters).url).searchParams),
          });
          const answer = await fetch(`${gatehouse.url}${path}`, { method: 'POST', body });
          const { error } = (await answer.json()) as { error: string };
          expect([path, answer.status, error]).to.deep.equal([path, 400, 'invalid_scope']);
        }
      }
    });
  }

  it('with "read" alone it gets tokens for that, and no word about the person', async () => {
    const party = await createRelyingParty(gatehouse, {
      metadata: { scope: 'read', resources: [API] },
    });
    const parameters = { scope: 'read', resource: API };
    const { tokens } = await signIn(gatehouse, party, person, { parameters });
    expect(tokens.scope).to.equal('read');
    expect(decodeJwt(tokens.access_token)).not.to.have.any.keys('email', 'name');
  });

  it('that were taken away are gone with the next refresh, and at once at userinfo', async () => {
    const party = await createRelyingParty(gatehouse);
    const parameters = { scope: EVERYTHING };
    const { tokens } = await signIn(gatehouse, party, person, { parameters });
    await narrow(party, 'openid');
    expect((await party.userinfo(tokens.access_token)).body).to.deep.equal({ sub: person.id });
    const { status, body } = await party.refresh(tokens.refresh_token ?? '');
    expect([status, body.scope]).to.deep.equal([200, 'openid']);
    const { body: claims } = await party.userinfo(String(body.access_token));
    expect(claims).to.deep.equal({ sub: person.id });
  });

  it('that were taken away are gone from the tokens of an API, and over JSON', async () => {
    const app = await createApplication(gatehouse);
    const party = application(gatehouse.url, app.id, app.secret);
    const { email, password } = person;
    const first = await app.post('login', { email, password });
    expect(decodeJwt(String(first.body.token))).to.include({ email });
    await narrow(party, 'openid profile');
    const { status, body } = await app.post('refresh', { refreshToken: first.body.refreshToken });
    expect(status, JSON.stringify(body)).to.equal(200);
    const claims = decodeJwt(String(body.token));
    expect([claims.email, claims.name]).to.deep.equal([undefined, 'Test Person']);
  });

  it('that were taken away in the middle of a sign-in are not in its answer', async () => {
    const party = await createRelyingParty(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url({ scope: EVERYTHING }).url);
    await narrow(party, 'openid');
    const answer = await signInAt(web, page, person);
    expect(answer.url.searchParams.get('error')).to.equal('invalid_scope');
    expect(answer.url.searchParams.has('code')).to.equal(false);
  });
});
