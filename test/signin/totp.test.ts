// Authenticators from the QR code to the sign-in, with an app that is not ours.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { backupCodesOn, codeFor, scan, secretOn } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson, enrolOn } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const SETUP = 'Set up two-factor authentication';
const CHALLENGE = 'Two-factor authentication';

onBothStores('authenticators', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(() => {
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const claimsAfter = async (page: Page, request: { url: string; verifier: string }) => {
    const answer = await party.redeem(request, codeOf(await allowIfAsked(web, page)));
    return decodeJwt(String(answer.body.id_token));
  };

  it('a new account enrols at its first sign-in, and what it enrolled counts as proved', async () => {
    const person = await createPerson(gatehouse);
    const request = party.url();
    const setup = await web.submit(await web.get(request.url), '/prove/password', { ...person });
    expect(titleOf(setup)).to.equal(SETUP);
    expect(setup.text).not.to.include('Remind me later');
    const uri = scan(setup);
    expect(uri.href).to.match(/^otpauth:\/\/totp\/Gatehouse:[^?]+\?/);
    expect(decodeURIComponent(uri.pathname)).to.equal(`/Gatehouse:${person.email}`);
    expect(Object.fromEntries(uri.searchParams)).to.include({
      issuer: 'Gatehouse',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
    const secret = secretOn(setup);
    expect(secret).to.match(/^[A-Z2-7]{32}$/);
    expect(setup.text.replaceAll(' ', '')).to.include(secret);
    const { page, backupCodes } = await enrolOn(web, setup);
    expect(backupCodes).to.have.length(10);
    const claims = await claimsAfter(page, request);
    expect(claims.acr).to.equal('urn:gatehouse:acr:mfa');
    expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa']);
  });

  it('the next sign-in asks for a code, and the one that enrolled is spent', async () => {
    const person = await createPerson(gatehouse);
    const setup = await afterPassword(web, party, person);
    const code = codeFor(secretOn(setup));
    await enrolOn(web, setup);
    const other = createWeb(gatehouse.url);
    const challenge = await afterPassword(other, party, person);
    expect(titleOf(challenge)).to.equal(CHALLENGE);
    const replayed = await other.submit(challenge, '/prove/totp', { code });
    expect(replayed.status).to.equal(422);
    expect(alertOf(replayed)).to.include("isn't right");
    await gatehouse.advance('30s');
    const fresh = codeFor(secretOn(setup));
    const spaced = `${fresh.slice(0, 3)} ${fresh.slice(3)}`;
    const last = await other.submit(replayed, '/prove/totp', { code: spaced });
    codeOf(await allowIfAsked(other, last));
    const third = createWeb(gatehouse.url);
    const again = await afterPassword(third, party, person);
    expect((await third.submit(again, '/prove/totp', { code: fresh })).status).to.equal(422);
  });

  it('the secret stays the same when the page is loaded again, and differs between sign-ins', async () => {
    const person = await createPerson(gatehouse);
    const setup = await afterPassword(web, party, person);
    expect(secretOn(await web.get(setup.url))).to.equal(secretOn(setup));
    const other = await afterPassword(createWeb(gatehouse.url), party, person);
    expect(secretOn(other)).not.to.equal(secretOn(setup));
    const wrong = await web.submit(setup, '/enrol/totp', { code: '000000' });
    expect(wrong.status).to.equal(422);
    expect(secretOn(await web.get(setup.url))).to.equal(secretOn(setup));
  });

  it('backup codes show on each reload until they are saved, and never after', async () => {
    const person = await createPerson(gatehouse);
    const setup = await afterPassword(web, party, person);
    const secret = secretOn(setup);
    const saving = await web.submit(setup, '/enrol/totp', { code: codeFor(secret) });
    const codes = backupCodesOn(saving);
    expect(backupCodesOn(await web.get(saving.url))).to.deep.equal(codes);
    const file = await web.get(`${saving.url.href.split('/enrol')[0]}/backup-codes.txt`);
    expect(file.headers.get('content-disposition')).to.include('attachment');
    expect(backupCodesOn(file)).to.deep.equal(codes);
    const unsaved = await web.submit(saving, '/backup-codes', {});
    expect(unsaved.status).to.equal(422);
    expect(titleOf(unsaved)).to.equal('Save your backup codes');
    const done = await web.submit(unsaved, '/backup-codes', { saved: 'yes' });
    codeOf(await allowIfAsked(web, done));
    const late = await web.get(`${saving.url.href.split('/enrol')[0]}/backup-codes.txt`);
    expect(backupCodesOn(late)).to.deep.equal([]);
  });

  it('a sign-in that ends before the codes are saved makes new ones at the next', async () => {
    const person = await createPerson(gatehouse);
    const setup = await afterPassword(web, party, person);
    const secret = secretOn(setup);
    const saving = await web.submit(setup, '/enrol/totp', { code: codeFor(secret) });
    const lost = backupCodesOn(saving);
    await gatehouse.advance('30s');
    const other = createWeb(gatehouse.url);
    const challenge = await afterPassword(other, party, person);
    const again = await other.submit(challenge, '/prove/totp', { code: codeFor(secret) });
    expect(titleOf(again)).to.equal('Save your backup codes');
    expect(backupCodesOn(again)).to.have.length(10);
    expect(backupCodesOn(again)).not.to.include.members(lost.slice(0, 1));
  });

  it('each backup code works once, however it is spelt, and with two left new ones are offered', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const spellings = [
      (code: string) => code,
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.replace('-', ' ')} `,
      (code: string) => code.replaceAll('0', 'O').replaceAll('1', 'l'),
    ];
    const use = async (code: string) => {
      const page = await afterPassword(web, party, person, { prompt: 'login' });
      return web.submit(
        await web.get(`${page.url.href.split('?')[0]}?method=backup-codes`),
        '/prove/backup-codes',
        { code },
      );
    };
    for (const [index, code] of person.backupCodes.slice(0, 7).entries()) {
      const spelt = (spellings[index % 5] ?? String)(code);
      codeOf(await allowIfAsked(web, await use(spelt)));
    }
    expect((await use(person.backupCodes[0] ?? '')).status).to.equal(422);
    const few = await use(person.backupCodes[7] ?? '');
    expect(titleOf(few)).to.equal('Few backup codes left');
    const saving = await web.submit(few, '/backup-codes', { decision: 'renew' });
    expect(titleOf(saving)).to.equal('Save your backup codes');
    const codes = backupCodesOn(saving);
    codeOf(await web.submit(saving, '/backup-codes', { saved: 'yes' }));
    expect((await use(person.backupCodes[8] ?? '')).status).to.equal(422);
    codeOf(await use(codes[0] ?? ''));
  });

  it('Not now goes on', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { recoveryCodes, store: database } = gatehouse.core;
    for (const code of person.backupCodes.slice(0, 8)) {
      const found = await recoveryCodes.find(person.id, code);
      if (found) await database.write(found.spend);
    }
    const challenge = await afterPassword(web, party, person);
    const few = await web.submit(challenge, '/prove/totp', { code: codeFor(person.secret) });
    expect(titleOf(few)).to.equal('Few backup codes left');
    codeOf(await allowIfAsked(web, await web.submit(few, '/backup-codes', { decision: 'later' })));
  });

  it('a wrong code tells of an old one and of a clock that is off, and its step is burnt', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const challenge = await afterPassword(web, party, person);
    const at = Date.now();
    const say = (off: number) =>
      web.submit(challenge, '/prove/totp', { code: codeFor(person.secret, at + off) });
    expect(alertOf(await say(-60_000))).to.include('That code has expired. Enter the newest one.');
    const ahead = await say(240_000);
    expect(alertOf(ahead)).to.match(/about 4 minutes ahead.* attempts left/);
    // Seven steps, or eight where one has begun meanwhile.
    expect(alertOf(await say(-210_000))).to.include('about 4 minutes behind');
    expect(alertOf(await say(3_600_000))).to.include("isn't right");
    await gatehouse.advance('240s');
    const spent = await say(240_000);
    expect(spent.status, 'the code that drew the hint').to.equal(422);
    expect(alertOf(spent)).to.include("isn't right");
    codeOf(await allowIfAsked(web, await say(270_000)));
  });

  it('a secret moved to the row of somebody else fits no code', async () => {
    const one = await createEnrolledPerson(gatehouse, party);
    const two = await createEnrolledPerson(gatehouse, party);
    const { store: database } = gatehouse.core;
    const rows = await database.all(
      database.compile(database.sql('authenticators').whereIn('account_id', [one.id, two.id])),
    );
    const [first, second] = rows;
    for (const [row, secret] of [
      [first, second?.secret],
      [second, first?.secret],
    ] as const) {
      const moved = database.sql('authenticators').where({ id: row?.id }).update({ secret });
      await database.write(database.compile(moved, 1));
    }
    for (const { secret } of [one, two]) {
      const challenge = await afterPassword(createWeb(gatehouse.url), party, one);
      expect(challenge.status).to.equal(200);
      const browser = createWeb(gatehouse.url);
      const page = await afterPassword(browser, party, one);
      const answer = await browser.submit(page, '/prove/totp', { code: codeFor(secret) });
      expect(answer.status).to.equal(422);
    }
  });
});
