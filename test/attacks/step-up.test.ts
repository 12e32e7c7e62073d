// A session lends its password to a step-up, and to nothing that asks for the password itself.
import { expect } from 'chai';
import { ACR } from '../../src/domain/sessions/assurance.ts';
import { openOnTrustedDevice } from '../support/account-page.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { type Page, titleOf, type Web } from '../support/web.ts';

onBothStores('a session that is asked for more', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    web = await openOnTrustedDevice(gatehouse, party, person);
  });
  after(() => gatehouse.stop());

  const ask = (more: Record<string, string> = {}) =>
    web.get(party.url({ acr_values: ACR.mfa, ...more }).url);
  /** Asked for now, and looked at later. */
  const askAndWait = async (more: Record<string, string>, meanwhile: () => Promise<unknown>) => {
    const { headers, url } = await web.once(party.url({ acr_values: ACR.mfa, ...more }).url);
    await meanwhile();
    return web.get(new URL(headers.get('location') ?? '', url));
  };
  const expectPassword = (page: Page) => expect(titleOf(page), page.text).to.equal('Sign in');

  it('needs the second factor alone', async () => {
    expect(titleOf(await ask())).to.equal('Two-factor authentication');
  });

  it('needs the password for prompt=login, and when it is older than max_age', async () => {
    expectPassword(await ask({ prompt: 'login' }));
    await gatehouse.advance('61s');
    expectPassword(await ask({ max_age: '60' }));
    expectPassword(await askAndWait({ max_age: '600' }, () => gatehouse.advance('11m')));
  });

  it('needs the password from whoever starts again', async () => {
    expectPassword(await web.submit(await ask(), '/switch'));
  });

  it('lives no longer for a step-up', async () => {
    const { store: database } = gatehouse.core;
    const end = async () => {
      const mine = database.sql('sessions').where({ account_id: person.id }).whereNull('ended_at');
      const rows = await database.all(database.compile(mine));
      return Math.max(...rows.map((row) => Number(row.expires_at)));
    };
    const before = await end();
    await gatehouse.advance('1h');
    const last = await web.submit(await ask(), '/prove/totp', { code: codeFor(person.secret) });
    expect(last.url.searchParams.get('code')).to.be.a('string');
    expect(await end()).to.equal(before);
    const again = await web.submit(await ask({ prompt: 'login' }), '/prove/password', {
      email: person.email,
      password: person.password,
    });
    await gatehouse.advance('30s');
    await web.submit(again, '/prove/totp', { code: codeFor(person.secret) });
    expect(await end()).to.be.greaterThan(before);
  });

  it('lends nothing of what a change of the account has ended', async () => {
    const { operations, accounts } = gatehouse.core;
    const cause = { actor: 'cli:test', reason: 'a test' };
    const page = await askAndWait({}, async () => {
      await operations.suspend(await accounts.get(person.id), cause);
      await operations.activate(await accounts.get(person.id), cause);
    });
    expect(titleOf(page)).not.to.equal('Two-factor authentication');
  });

  it('lends nothing when the code comes after the change', async () => {
    const page = await ask();
    const { operations, accounts } = gatehouse.core;
    await operations.resetFactors(await accounts.get(person.id), {
      actor: 'cli:test',
      reason: 'a test',
    });
    const last = await web.submit(page, '/prove/totp', { code: '123456' });
    expect(titleOf(last)).not.to.equal('Two-factor authentication');
    expect(last.url.searchParams.get('code')).to.equal(null);
  });
});
