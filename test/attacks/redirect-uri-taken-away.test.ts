// A redirect URI that an operator takes from a client, as it was stolen, while sign-ins are under way.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  REDIRECT_URI,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, type Page, titleOf } from '../support/web.ts';

const OTHER = 'https://other.example.com/callback';

onOneStore('a redirect URI that was taken away', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store });
    person = await createPerson(gatehouse);
  });
  beforeEach(async () => {
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  const takeAway = async () => {
    await gatehouse.core.clients.update(party.id, { redirect_uris: [OTHER] });
  };

  const leadsNowhere = (page: Page, title = 'Your sign-in expired') => {
    expect(page.url.href).to.include(gatehouse.url);
    expect(titleOf(page)).to.equal(title);
  };

  it('gets no code from a sign-in that had begun', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    await takeAway();
    leadsNowhere(await signInAt(web, page, person));
  });

  it('gets no error from it, either', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    await takeAway();
    leadsNowhere(await web.submit(page, '/cancel'));
  });

  it('gets no code from a consent that was asked before', async () => {
    const web = createWeb(gatehouse.url);
    const { email, password } = person;
    const page = await web.get(party.url().url);
    const consent = await web.submit(page, '/prove/password', { email, password });
    expect(titleOf(consent)).to.equal('Allow access');
    await takeAway();
    leadsNowhere(await web.submit(consent, '/consent', { decision: 'allow' }));
  });

  it('gets no code where only the way back is left', async () => {
    const web = createWeb(gatehouse.url);
    const { email, password } = person;
    const page = await web.get(party.url().url);
    const consent = await web.submit(page, '/prove/password', { email, password });
    const uid = consent.url.pathname.split('/').at(-1);
    await takeAway();
    leadsNowhere(await web.get(`${gatehouse.url}/authorize/${uid}`), 'Something went wrong');
  });

  it('its codes bring no tokens, and are good again where it is given back', async () => {
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const code = codeOf(await signInAt(web, await web.get(request.url), person));
    await takeAway();
    const { status, body } = await party.redeem(request, code);
    expect([status, body.error]).to.deep.equal([400, 'invalid_grant']);
    await gatehouse.core.clients.update(party.id, { redirect_uris: [OTHER, REDIRECT_URI] });
    expect((await party.redeem(request, code)).status).to.equal(200);
  });

  it('leaves alone who has another one, any port of an installed one, or none', async () => {
    const metadata = {
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback', OTHER.replace('https:', 'com.example.app:')],
    };
    const native = await createRelyingParty(gatehouse, { metadata });
    const redirect_uri = 'http://127.0.0.1:49152/callback';
    const web = createWeb(gatehouse.url);
    const request = native.url({ redirect_uri });
    const page = await signInAt(web, await web.get(request.url), person);
    const { verifier: code_verifier } = request;
    const fields = { grant_type: 'authorization_code', code: codeOf(page), code_verifier };
    expect((await native.token({ ...fields, redirect_uri })).status).to.equal(200);
    const app = await createApplication(gatehouse, { redirect_uris: [], response_types: [] });
    const { email, password } = person;
    expect((await app.post('login', { email, password })).status).to.equal(200);
    await signIn(gatehouse, party, person);
  });
});
