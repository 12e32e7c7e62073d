// Codes that cannot be one: said kindly, counted nowhere, and sent where they belong.
import { expect } from 'chai';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
} from '../support/relying-party.ts';
import { createWeb, titleOf } from '../support/web.ts';

describe('mistyped codes', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const refusals = async (accountId: string) => {
    const { store } = gatehouse.core;
    const rows = store.sql('audit_events').where({ account_id: accountId, outcome: 'refused' });
    return (await store.all(store.compile(rows))).map(({ kind }) => kind);
  };

  it('a typing error in each field is told, and nothing is lost by fifty of them', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const challenge = await afterPassword(web, party, person);
    for (let time = 0; time < 50; time += 1) {
      const typo = await web.submit(challenge, '/prove/totp', { code: '1234 5' });
      expect(typo.status).to.equal(422);
      expect(typo.text)
        .to.include('Enter the 6-digit code from your app.')
        .and.not.to.match(/attempts? left/);
    }
    expect(await refusals(person.id)).to.deep.equal([]);
    const code = codeFor(person.secret).replace(/(...)/, '\u200e$1\u2013');
    codeOf(await web.submit(challenge, '/prove/totp', { code }));
  });

  it('a code in the field of another kind is sent there', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const web = createWeb(gatehouse.url);
    const challenge = await afterPassword(web, party, person);
    const [backup = ''] = person.backupCodes;
    const misplaced = await web.submit(challenge, '/prove/totp', { code: backup });
    expect(misplaced.status).to.equal(422);
    expect(misplaced.text).to.include('Select &#34;Use backup code instead&#34;');
    const path = challenge.url.href.replace(/\/prove\/.*|\?.*/, '');
    const other = await web.get(`${path}?method=backup-codes`);
    const app = await web.submit(other, '/prove/backup-codes', { code: '123 456' });
    expect(app.status).to.equal(422);
    expect(app.text).to.include('Select &#34;Use your authenticator app&#34;');
    expect(await refusals(person.id)).to.deep.equal([]);
    codeOf(await web.submit(other, '/prove/backup-codes', { code: backup.replace('-', ' – ') }));
  });

  it('nor do they end an enrolment', async () => {
    const person = await createPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const setup = await afterPassword(web, party, person);
    expect((await web.next(setup)).text, 'there is nothing to end').not.to.include(
      'signed out everywhere else',
    );
    const typo = await web.submit(setup, '/enrol/totp', { code: '12345' });
    expect(typo.status).to.equal(422);
    expect(typo.text).to.include('Enter the 6-digit code from your app.');
    expect(await refusals(person.id)).to.deep.equal([]);
    const digits = codeFor(secretOn(setup)).replace(
      /./g,
      (each) => '٠١٢٣٤٥٦٧٨٩'[Number(each)] ?? '',
    );
    const saving = await web.submit(setup, '/enrol/totp', { code: digits });
    expect(titleOf(saving)).to.equal('Save your backup codes');
  });
});
