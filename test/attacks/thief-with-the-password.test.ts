// Somebody has the password and nothing else: they change nothing, enrol nothing, and guess no more
// codes than the limit allows.
import argon2 from 'argon2';
import { expect } from 'chai';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { WITH_FACTOR } from '../support/gatehouse.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { codeOf, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { NEW_PASSWORD, setHash, storedPassword, WEAK_PASSWORD } from '../support/weak-person.ts';
import { createWeb, findForm, type Page, titleOf } from '../support/web.ts';

const CHALLENGE = 'Two-factor authentication';

/** What no code of an authenticator looks like, as forms can send it. Nothing is lost by it. */
const MALFORMED = [
  'abcdef',
  '12345',
  '1234567',
  '-12345',
  '+12345',
  '1e5',
  '0x1234',
  '12.345',
  '١٢٣٤٥',
  '12345６7',
  "' or 1=1 --",
  '<script>',
  '{"$ne":""}',
  '%00',
  '9'.repeat(4_000),
];

onOneStoreExcept(/at once/, 'a thief with the password', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let owner: EnrolledPerson;

  before(async () => {
    pair = await startPair(store, WITH_FACTOR);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    owner = await createEnrolledPerson(pair, party);
  });
  after(() => pair.stop());

  const csrfOf = (page: Page) => /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const pathOf = (page: Page) => page.url.href.replace(/\/prove\/.*|\?.*/, '');
  const authenticators = async () => {
    const { store: database } = pair.core;
    const rows = database.sql('authenticators').where({ account_id: owner.id });
    return (await database.all(database.compile(rows))).length;
  };

  it('cannot change it: a new password waits for the second factor', async () => {
    const weak = await argon2.hash(WEAK_PASSWORD, { memoryCost: 19_456, timeCost: 2 });
    await setHash(pair, owner.id, weak);
    const before = await storedPassword(pair, owner.id);
    const thief = createWeb(pair.url);
    const page = await afterPassword(thief, party, { ...owner, password: WEAK_PASSWORD });
    expect(titleOf(page)).to.equal('Update your password');
    const fields = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
    const challenge = await thief.submit(page, '/new-password', fields);
    expect(titleOf(challenge)).to.equal(CHALLENGE);
    expect(await storedPassword(pair, owner.id)).to.deep.equal(before);
    const chosen = await afterPassword(createWeb(pair.url), party, {
      ...owner,
      password: NEW_PASSWORD,
    });
    expect(chosen.status, 'what the thief chose').to.equal(422);
    // The owner, with the old password and the factor.
    const web = createWeb(pair.url);
    const own = await afterPassword(web, party, { ...owner, password: WEAK_PASSWORD });
    const mine = { new_password: 'Zefi7-Momu4-Takil2', confirm_password: 'Zefi7-Momu4-Takil2' };
    const asked = await web.submit(own, '/new-password', mine);
    codeOf(await web.submit(asked, '/prove/totp', { code: codeFor(owner.secret) }));
    // And then the thief's sign-in is void, whatever code it brings.
    await pair.advance('30s');
    const late = await thief.submit(challenge, '/prove/totp', { code: codeFor(owner.secret) });
    expect(late.url.searchParams.get('code')).to.equal(null);
    expect((await storedPassword(pair, owner.id)).hash).not.to.equal(before.hash);
  });

  it('cannot enrol a factor of their own', async () => {
    const thief = createWeb(pair.url);
    const challenge = await afterPassword(thief, party, owner);
    const csrf = csrfOf(challenge);
    for (const path of ['enrol/totp', 'enrol-later', 'backup-codes']) {
      const fields = { csrf, code: codeFor(owner.secret), saved: 'yes', decision: 'renew' };
      const answer = await thief.post(`${pathOf(challenge)}/${path}`, fields);
      expect(titleOf(answer), path).to.equal(CHALLENGE);
    }
    expect(await authenticators()).to.equal(1);
    const file = await thief.get(`${pathOf(challenge)}/backup-codes.txt`);
    expect(file.headers.get('content-disposition')).to.equal(null);
  });

  it('cannot use a set-up page from before the owner enrolled', async () => {
    const { core } = pair;
    await core.store.write(...(await core.resetFactors(owner.id)));
    const thief = createWeb(pair.url);
    const shown = await afterPassword(thief, party, owner);
    const stale = await thief.next(shown);
    const web = createWeb(pair.url);
    const setup = await afterPassword(web, party, owner);
    await web.submit(setup, '/enrol/totp', { code: codeFor(secretOn(setup)) });
    expect(await authenticators()).to.equal(1);
    const late = await thief.submit(stale, '/enrol/totp', { code: codeFor(secretOn(shown)) });
    expect(late.url.searchParams.get('code')).to.equal(null);
    expect(await authenticators()).to.equal(1);
  });

  it('fifty wrong codes at once over two processes are ten', async () => {
    const doors = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const web = createWeb(pair.url);
        return { web, page: await afterPassword(web, party, owner) };
      }),
    );
    const right = codeFor(owner.secret);
    const wrong = (index: number) => String((Number(right) + 500_000 + index) % 1_000_000);
    const pages = await Promise.all(
      doors.map(({ web, page }, index) => {
        const form = findForm(page, '/prove/totp');
        const at = new URL(form.action.pathname, pair.processes[index % 2]?.url);
        return web.post(at, { ...form.fields, code: wrong(index).padStart(6, '0') });
      }),
    );
    const statuses = pages.map(({ status }) => status);
    expect(statuses.filter((status) => status === 422)).to.have.length(10);
    expect(statuses.filter((status) => status === 429)).to.have.length(40);
    const { web, page } = doors[0] as (typeof doors)[number];
    const refused = await web.submit(page, '/prove/totp', { code: right });
    expect(refused.status, 'the eleventh, though right').to.equal(429);
    expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 900);
  });

  it('gains nothing by codes that cannot be one: they are no guesses, and are not looked at', async () => {
    const web = createWeb(pair.url);
    const challenge = await afterPassword(web, party, owner);
    for (const code of MALFORMED) {
      const answer = await web.submit(challenge, '/prove/totp', { code });
      expect(answer.status, code.slice(0, 20)).to.equal(422);
      expect(answer.text).to.match(/6-digit code from|different kind of code/);
      expect(answer.text).not.to.match(/attempts? left|at \w+ \(|node_modules/);
    }
    const wrong = await web.submit(challenge, '/prove/totp', { code: '٠٠٠٠٠٠' });
    expect(wrong.text, 'digits of another script are a code').to.include('9 attempts left');
  });

  it('nor by backup codes that cannot be one', async () => {
    const web = createWeb(pair.url);
    const challenge = await afterPassword(web, party, owner);
    const page = await web.get(`${pathOf(challenge)}?method=backup-codes`);
    for (const code of ['ABCD', 'ÄÖÜ-1234', 'ABCD-12345', '%', 'UUUU-UUUU']) {
      const answer = await web.submit(page, '/prove/backup-codes', { code });
      expect(answer.status, code).to.equal(422);
      expect(answer.text).to.include('A backup code has 8 letters and digits');
      expect(answer.text).not.to.match(/attempts? left/);
    }
    const wrong = await web.submit(page, '/prove/backup-codes', { code: 'ABCD-1234' });
    expect(wrong.text).to.include('9 attempts left');
  });
});
