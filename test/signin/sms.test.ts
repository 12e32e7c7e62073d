// The texted code as a second factor: sent on demand, to a real receiver, and good once.
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { readPhoneNumber } from '../../src/factors/sms/phones.ts';
import { openAccount } from '../support/account-page.ts';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { deliverAll, mailsTo } from '../support/mailbox.ts';
import { codeOf, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const TITLE = 'Enter the code we texted';
let numbers = 1_000;

interface Text {
  readonly to: string;
  readonly text: string;
}

onBothStores('texted codes', (store) => {
  const texts: Text[] = [];
  const receiver = createServer(async (request, response) => {
    texts.push((await json(request)) as Text);
    response.writeHead(204).end();
  });
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let number = '';
  let web: Web;

  before(async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const database = await store.create();
    const file = join(database.dataDir, 'sms.json');
    const sms = { enabled: true, webhook_url: `http://localhost:${port}/` };
    writeFileSync(file, JSON.stringify({ sms, outgoing: { allow_private: true } }));
    const env = { GATEHOUSE_CONFIG: file, SMS_WEBHOOK_SECRET: 's'.repeat(32) };
    gatehouse = await startGatehouse({ database, env });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    numbers += 1;
    number = `+1500555${numbers}`;
    await gatehouse.core.store.write(gatehouse.core.phones.add(person.id, number));
    web = createWeb(gatehouse.url);
  });
  after(async () => {
    receiver.close();
    receiver.closeAllConnections();
    await gatehouse.stop();
  });

  const sent = async (): Promise<string[]> => {
    await deliverAll(gatehouse);
    const own = texts.filter(({ to }) => to === number);
    return own.map(({ text }) => /\b\d{6}\b/.exec(text)?.[0] ?? '');
  };
  const smsPage = async (browser = web): Promise<Page> => {
    const challenge = await afterPassword(browser, party, person, { prompt: 'login' });
    expect(challenge.text).to.include('Text me a code instead');
    return browser.get(`${challenge.url.href.replace(/\/prove\/.*|\?.*/, '')}?method=sms`);
  };
  const send = async (page: Page, browser = web) => browser.submit(page, '/send/sms');

  it('are sent by a button, not by looking at the page, and sign in once', async () => {
    const page = await smsPage();
    expect(titleOf(page)).to.equal(TITLE);
    expect(page.text).to.include(`ending in ${number.slice(-2)}`);
    expect(page.text).not.to.include(number);
    expect(await sent()).to.deep.equal([]);
    const asked = await send(page);
    expect(titleOf(asked)).to.equal(TITLE);
    const [code = ''] = await sent();
    const last = await web.submit(asked, '/prove/sms', { code: ` ${code} ` });
    codeOf(last);
    const other = createWeb(gatehouse.url);
    const again = await smsPage(other);
    await gatehouse.advance('30s');
    const next = await send(again, other);
    const replayed = await other.submit(next, '/prove/sms', { code });
    expect(replayed.status).to.equal(422);
    expect(alertOf(replayed)).to.match(/isn't right.*attempts left/);
  });

  it('are sent and taken over JSON, on demand and not too often', async () => {
    const app = await createApplication(gatehouse);
    const { email, password } = person;
    const { body } = await app.post('login', { email, password });
    expect(body.methods).to.deep.equal(['totp', 'sms', 'backup-codes']);
    const { session_id } = body;
    expect(await sent()).to.deep.equal([]);
    expect((await app.post('mfa/sms', { session_id })).status).to.equal(202);
    const soon = await app.post('mfa/sms', { session_id });
    expect([soon.status, soon.body.error]).to.deep.equal([429, 'rate_limited']);
    expect(Number(soon.headers.get('retry-after'))).to.be.within(1, 30);
    const [sms_code] = await sent();
    const done = await app.post('mfa', { session_id, sms_code });
    expect(done.status, JSON.stringify(done.body)).to.equal(200);
    expect(decodeJwt(String(done.body.token)).amr).to.deep.equal(['pwd', 'sms', 'mfa']);
    const over = await app.post('mfa/sms', { session_id });
    expect([over.status, over.body.error]).to.deep.equal([401, 'invalid_session']);
  });

  it('say `sms` in amr', async () => {
    const request = party.url({ prompt: 'login' });
    const page = await web.get(request.url);
    const { email, password } = person;
    const challenge = await web.submit(page, '/prove/password', { email, password });
    const path = challenge.url.href.replace(/\/prove\/.*|\?.*/, '');
    const asked = await send(await web.get(`${path}?method=sms`));
    const [code = ''] = await sent();
    const { body } = await party.redeem(
      request,
      codeOf(await web.submit(asked, '/prove/sms', { code })),
    );
    expect(decodeJwt(String(body.id_token)).amr).to.deep.equal(['pwd', 'sms', 'mfa']);
  });

  it('count for five minutes, and the newest alone', async () => {
    const first = await send(await smsPage());
    const [old = ''] = await sent();
    await gatehouse.advance('31s');
    const second = await send(first);
    const [, newest = ''] = await sent();
    if (old !== newest) {
      expect((await web.submit(second, '/prove/sms', { code: old })).status).to.equal(422);
    }
    await gatehouse.advance('301s');
    expect((await web.submit(second, '/prove/sms', { code: newest })).status).to.equal(422);
  });

  it('are one in half a minute and five in an hour', async () => {
    let page = await send(await smsPage());
    const soon = await send(page);
    expect(soon.status).to.equal(429);
    expect(Number(soon.headers.get('retry-after'))).to.be.within(1, 30);
    expect(alertOf(soon)).to.include('just sent you a code');
    for (let count = 2; count <= 5; count += 1) {
      await gatehouse.advance('31s');
      page = await send(page);
      expect(page.status).to.equal(200);
    }
    await gatehouse.advance('31s');
    expect((await send(page)).status).to.equal(429);
    expect(await sent()).to.have.length(5);
  });

  it('that are not sent are told with the rule', async () => {
    const page = await smsPage();
    await send(page);
    await send(page);
    const [row, ...more] = await auditRows(gatehouse, {
      accountId: person.id,
      kind: 'sign_in.locked',
    });
    expect(more).to.deep.equal([]);
    expect(row).to.include({ reason: 'attempt refused by a limit', actor: person.id });
    expect(row?.detail).to.include({ rule: 'texts-pause', method: 'sms' });
    expect(row?.flowId).to.be.a('string');
  });

  it('twenty at once are one', async () => {
    const page = await smsPage();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(page)));
    // Each page may tell of any of the others, which were one browser's.
    for (const answer of answers) expect(titleOf(answer)).to.equal(titleOf(page));
    expect(await sent()).to.have.length(1);
  });

  it('go to a number that the person adds on the account page, once its code is entered', async () => {
    const { core } = gatehouse;
    await core.store.write(core.phones.remove(person.id));
    const { web: own, page } = await openAccount(gatehouse, person);
    expect(page.text).to.include('Add phone number');
    const form = await own.get(`${gatehouse.url}/account/authenticators/add/sms`);
    expect(titleOf(form)).to.equal('Add phone number');
    const wrong = await own.submit(form, '/add/sms/start', { phone: '12345' });
    expect(wrong.status).to.equal(400);
    const asked = await own.submit(wrong, '/add/sms/start', {
      phone: `${number.slice(0, 5)} ${number.slice(5)}`,
    });
    const [code = ''] = await sent();
    const typo = await own.submit(asked, '/add/sms', { code: code.slice(1) });
    expect(typo.status).to.equal(422);
    expect(typo.text).to.include('Enter the 6-digit code from the text message.');
    expect(typo.text).not.to.match(/attempts? left/);
    const guess = String((Number(code) + 1) % 1_000_000).padStart(6, '0');
    const refused = await own.submit(asked, '/add/sms', { code: guess });
    expect(refused.status).to.equal(422);
    expect(refused.text, 'the first that counts').to.include('4 attempts left');
    expect(await core.phones.find(person.id)).to.equal(undefined);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => own.copy().submit(refused, '/add/sms', { code })),
    );
    for (const { status } of answers) expect(status).to.be.below(500);
    expect(await core.phones.find(person.id)).to.include({ number });
    expect((await core.accounts.get(person.id)).generation, 'nothing ends').to.equal(2);
    const after = await own.get(`${gatehouse.url}/account`);
    expect(titleOf(after)).to.equal('Account');
    expect(after.text).to.include(`•••${number.slice(-2)}`);
    expect(after.text).not.to.include('Add phone number');
  });

  it('are limited, and told to the owner, when somebody with a stolen session guesses them', async () => {
    const { core } = gatehouse;
    await core.store.write(core.phones.remove(person.id));
    const { web: own } = await openAccount(gatehouse, person);
    own.clear(({ name }) => name.endsWith('gatehouse_browser'));
    const form = await own.get(`${gatehouse.url}/account/authenticators/add/sms`);
    let page = await own.submit(form, '/add/sms/start', { phone: number });
    const [code = ''] = await sent();
    for (let tries = 1; tries <= 10; tries += 1) {
      const guess = String((Number(code) + tries) % 1_000_000).padStart(6, '0');
      page = await own.submit(page, '/add/sms', { code: guess });
    }
    const right = await own.submit(page, '/add/sms', { code });
    expect(right.status, 'not looked at').to.equal(429);
    expect(await core.phones.find(person.id)).to.equal(undefined);
    const subjects = (await mailsTo(gatehouse, person.email)).map(({ subject }) => subject);
    expect(subjects).to.include('Someone knows your Gatehouse password');
  });

  it('are not sent for an account without a number, nor before the password', async () => {
    const { core } = gatehouse;
    await core.store.write(core.phones.remove(person.id));
    const challenge = await afterPassword(web, party, person);
    expect(challenge.text).not.to.include('Text me a code instead');
    const csrf = /name="csrf" value="([^"]+)"/.exec(challenge.text)?.[1] ?? '';
    const path = challenge.url.href.replace(/\/prove\/.*|\?.*/, '');
    await web.post(`${path}/send/sms`, { csrf });
    const fresh = await createWeb(gatehouse.url).get(party.url().url);
    expect(titleOf(fresh)).to.equal('Sign in');
    expect(await sent()).to.deep.equal([]);
    codeOf(await web.submit(challenge, '/prove/totp', { code: codeFor(person.secret) }));
  });
});

onBothStores('texted codes that nobody configured', (store) => {
  it('are not offered, whatever stands in the store', async () => {
    const gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    const party = await createRelyingParty(gatehouse);
    const person = await createEnrolledPerson(gatehouse, party);
    await gatehouse.core.store.write(gatehouse.core.phones.add(person.id, '+15005550001'));
    const challenge = await afterPassword(createWeb(gatehouse.url), party, person);
    expect(challenge.text).not.to.include('Text me a code instead');
    await gatehouse.stop();
  });
});

describe('phone numbers', () => {
  it('are read as people write them', () => {
    expect(readPhoneNumber('+49 (151) 234-5678')).to.equal('+491512345678');
    expect(readPhoneNumber('0049 151 2345678')).to.equal('+491512345678');
    for (const wrong of [
      '',
      '151 2345678',
      '+0 123 4567',
      '+1',
      '+1234567890123456',
      '+1 555 abc',
    ]) {
      expect(readPhoneNumber(wrong), wrong).to.equal(undefined);
    }
  });
});
