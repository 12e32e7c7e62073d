// Connected applications: what has access, and that taking it back ends everything it has got.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  expectSignedIn,
  openAccount,
  pathsOn,
  sectionOf,
  signInElsewhere,
  statusOf,
} from '../../support/account-page.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';
import { codeOf, createRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { type Page, titleOf, type Web } from '../../support/web.ts';

const CALENDAR = {
  identifier: 'https://calendar.example.com',
  name: 'Your calendar',
  scopes: ['events.read', 'events.write'],
  descriptions: { 'events.read': 'See events' },
};

onOneStore('connected applications', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let other: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    const database = await store.createMigrated();
    const file = join(database.dataDir, 'resources.json');
    writeFileSync(file, JSON.stringify({ resources: [CALENDAR] }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file } });
    party = await createRelyingParty(gatehouse, {
      metadata: { client_name: 'Calendar', resources: [CALENDAR.identifier] },
    });
    other = await createRelyingParty(gatehouse, { metadata: { client_name: 'Notes' } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    ({ web } = await openAccount(gatehouse, person));
  });
  after(() => gatehouse.stop());

  const account = () => web.get(`${gatehouse.url}/account`);
  const revokePath = (client: RelyingParty) => `/applications/${client.id}/revoke`;
  const revoke = async (client = party): Promise<Page> => {
    const asked = await web.submit(await account(), revokePath(client));
    return web.submit(asked, revokePath(client));
  };

  it('are listed by name, with what each may do and since when', async () => {
    await signInElsewhere(gatehouse, party, person, { web });
    await signInElsewhere(gatehouse, other, person, { web, scope: 'openid profile' });
    const text = sectionOf(await account(), 'Connected applications');
    expect(text).to.match(/^Connected applications Two applications have access/);
    expect(text).to.match(/Calendar Know who you are See your email address Since \d+ \w+/);
    expect(text).to.match(/Notes Know who you are See your name and profile Since/);
  });

  it('are listed with what they may do elsewhere, in the words of the configuration', async () => {
    const scope = 'openid events.read events.write';
    await signInElsewhere(gatehouse, party, person, { web, scope, resource: CALENDAR.identifier });
    const text = sectionOf(await account(), 'Connected applications');
    expect(text).to.include('Know who you are Your calendar: See events, events.write Since');
  });

  it('are listed with an API that they reach without any scope of it', async () => {
    const resource = CALENDAR.identifier;
    await signInElsewhere(gatehouse, party, person, { web, scope: 'openid', resource });
    const text = sectionOf(await account(), 'Connected applications');
    expect(text).to.include('Know who you are Your calendar Since');
  });

  it('one that is no longer registered is not among them', async () => {
    const gone = await createRelyingParty(gatehouse, { metadata: { client_name: 'Gone' } });
    await signInElsewhere(gatehouse, gone, person, { web });
    await gatehouse.core.clients.delete(gone.id);
    expect(sectionOf(await account(), 'Connected applications')).to.include('No application');
  });

  it('an own application, which asks for no consent, is not among them', async () => {
    const own = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    await signInElsewhere(gatehouse, own, person, { web });
    expect(sectionOf(await account(), 'Connected applications')).to.include('No application');
  });

  it('are asked about by name first, and a question changes nothing', async () => {
    const { tokens } = await signInElsewhere(gatehouse, party, person, { web });
    const asked = await web.submit(await account(), revokePath(party));
    expect(titleOf(asked)).to.equal('Revoke access');
    expect(asked.text).to.include('Calendar will lose access');
    expect((await party.userinfo(tokens.access_token)).status).to.equal(200);
  });

  it('revoked, all its tokens of this account end at once, in every session', async () => {
    const mine = await signInElsewhere(gatehouse, party, person, { web });
    const elsewhere = await signInElsewhere(gatehouse, party, person, {
      scope: 'openid email offline_access',
    });
    const kept = await signInElsewhere(gatehouse, other, person, { web });
    const done = await revoke();
    expect(statusOf(done)).to.equal('Access revoked.');
    expect(pathsOn(done, /revoke$/)).to.deep.equal([`/account${revokePath(other)}`]);
    for (const { tokens } of [mine, elsewhere]) {
      expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
      expect((await party.introspect(tokens.access_token)).body.active).to.equal(false);
      const refreshed = await party.refresh(tokens.refresh_token ?? '');
      expect(refreshed.body.error).to.equal('invalid_grant');
    }
    expect((await other.userinfo(kept.tokens.access_token)).status).to.equal(200);
    expect((await other.refresh(kept.tokens.refresh_token ?? '')).status).to.equal(200);
    await expectSignedIn(gatehouse, elsewhere.web, other);
  });

  it('revoked, a code that is out is worth nothing', async () => {
    await signInElsewhere(gatehouse, party, person, { web });
    const request = party.url();
    const code = codeOf(await web.get(request.url));
    await revoke();
    expect((await party.redeem(request, code)).body.error).to.equal('invalid_grant');
  });

  it('revoked, it asks again, and gets nothing silently', async () => {
    await signInElsewhere(gatehouse, party, person, { web });
    await revoke();
    const silent = await web.get(party.url({ prompt: 'none' }).url);
    expect(silent.url.searchParams.get('error')).to.equal('consent_required');
    expect(titleOf(await web.get(party.url().url))).to.equal('Allow access');
    const again = await signInElsewhere(gatehouse, party, person, { web });
    expect((await party.userinfo(again.tokens.access_token)).status).to.equal(200);
  });

  it('revoked by one person, they go on for everybody else', async () => {
    const somebody = await createEnrolledPerson(gatehouse, other);
    const theirs = await signInElsewhere(gatehouse, party, somebody);
    await signInElsewhere(gatehouse, party, person, { web });
    await revoke();
    expect((await party.userinfo(theirs.tokens.access_token)).status).to.equal(200);
    expect((await party.refresh(theirs.tokens.refresh_token ?? '')).status).to.equal(200);
  });

  it('a second click finds nothing to revoke', async () => {
    await signInElsewhere(gatehouse, party, person, { web });
    const asked = await web.submit(await account(), revokePath(party));
    await web.submit(asked, revokePath(party));
    const again = await web.submit(asked, revokePath(party));
    expect(titleOf(again)).to.equal('Account');
    expect(statusOf(again)).to.equal('');
  });
});
