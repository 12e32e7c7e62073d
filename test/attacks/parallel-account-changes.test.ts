// Each change on the account page sent twenty times at once to two processes: it happens once.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { openAccount, pathsOn, signInElsewhere } from '../support/account-page.ts';
import { auditRows } from '../support/audit.ts';
import { backupCodesOn, codeFor, secretOn } from '../support/authenticator-app.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createRelyingParty, PASSWORD, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { findForm, type Page, titleOf, type Web } from '../support/web.ts';

const ROUNDS = 3;
const AT_ONCE = 20;

/** Passwords that differ and meet the policy. */
const password = (index: number) => `Vemo4-Lurk8-Pazi${index}-Xet`;

onBothStores('changes of an account over two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    const database = await store.create();
    // The limit would leave three of twenty: here it is the single change that must hold.
    const settings = join(database.dataDir, 'many-changes.json');
    const limits = { password_changes: { attempts: 1_000, window: 3_600 } };
    writeFileSync(settings, JSON.stringify({ limits }));
    pair = await startPair(store, { GATEHOUSE_CONFIG: settings }, database);
    party = await createRelyingParty(pair);
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(pair, party);
    ({ web } = await openAccount(pair, person));
  });
  after(() => pair.stop());

  const at = (path: string) => `${pair.url}${path}`;
  const generation = async () => (await pair.core.accounts.get(person.id)).generation;
  /** One form as one of the processes gets it; nothing of the answer gets into the browser. */
  const post = async (page: Page, action: string, fields: object, index: number) => {
    const form = findForm(page, action);
    const target = new URL(form.action.pathname, pair.processes[index % 2]?.url);
    const body = new URLSearchParams({ ...form.fields, ...fields }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await web.copy().once(target, { method: 'POST', body, headers });
    expect(answer.status, answer.text.slice(0, 300)).to.be.below(500);
    return answer;
  };
  const atOnce = (send: (index: number) => Promise<Page>) =>
    Promise.all(Array.from({ length: AT_ONCE }, (_, index) => send(index)));
  /** Those that say of themselves that they have done it. */
  const doing = (pages: readonly Page[], news: string) =>
    pages.filter(({ headers }) => headers.getSetCookie().some((each) => each.includes(news)));
  const recorded = async (
    kind: 'password.changed' | 'factor.enrolled' | 'factor.removed' | 'backup_codes.renewed',
  ) => {
    const rows = await auditRows(pair, { accountId: person.id, kind });
    return rows.filter(({ outcome }) => outcome === 'ok').length;
  };
  const expectHere = async () => expect(titleOf(await web.get(at('/account')))).to.equal('Account');
  const add = async () => {
    const setup = await web.get(at('/account/authenticators/add/totp'));
    await web.submit(setup, '/add/totp', { code: codeFor(secretOn(setup)) });
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    it(`one of twenty new passwords is written (round ${round})`, async () => {
      const page = await web.get(at('/account/password'));
      const before = await generation();
      const pages = await atOnce((index) =>
        post(
          page,
          '/account/password',
          {
            current_password: PASSWORD,
            new_password: password(index),
            confirm_password: password(index),
          },
          index,
        ),
      );
      const done = doing(pages, 'password-changed');
      expect(done).to.have.length(1);
      expect(await generation()).to.equal(before + 1);
      expect(await recorded('password.changed')).to.equal(1);
      await expectHere();
      const winner = password(pages.indexOf(done[0] as Page));
      await openAccount(pair, { ...person, password: winner });
    });

    it(`one confirmation of an authenticator adds one (round ${round})`, async () => {
      const setup = await web.get(at('/account/authenticators/add/totp'));
      const before = await generation();
      const code = codeFor(secretOn(setup));
      const form = await web.next(setup);
      const pages = await atOnce((index) => post(form, '/add/totp', { code }, index));
      expect(doing(pages, 'factor-added')).to.have.length(1);
      expect(await generation(), 'nothing ends').to.equal(before);
      const { store: database } = pair.core;
      const rows = database.sql('authenticators').where({ account_id: person.id });
      expect(await database.all(database.compile(rows))).to.have.length(2);
      expect(await recorded('factor.enrolled')).to.equal(2);
      await expectHere();
    });

    it(`of two authenticators that are removed at once, one stays (round ${round})`, async () => {
      await add();
      const paths = pathsOn(await web.get(at('/account')), /remove$/);
      expect(paths).to.have.length(2);
      const forms = await Promise.all(paths.map((path) => web.get(at(path))));
      const before = await generation();
      const pages = await atOnce((index) =>
        post(forms[index % 4 < 2 ? 0 : 1] as Page, '/remove', {}, index),
      );
      expect(doing(pages, 'authenticator-removed')).to.have.length(1);
      expect(await generation()).to.equal(before + 1);
      const { store: database } = pair.core;
      const rows = database.sql('authenticators').where({ account_id: person.id });
      expect(await database.all(database.compile(rows))).to.have.length(1);
      await expectHere();
    });

    it(`backup codes are renewed once, by those that were shown (round ${round})`, async () => {
      const page = await web.get(at('/account/backup-codes'));
      const pages = await atOnce((index) => post(page, '/backup-codes', { saved: 'yes' }, index));
      expect(doing(pages, 'codes-renewed')).to.have.length(1);
      expect(await recorded('backup_codes.renewed')).to.equal(2);
      for (const code of backupCodesOn(page)) {
        expect(await pair.core.recoveryCodes.find(person.id, code), code).to.be.an('object');
      }
    });

    it(`everything is signed out once (round ${round})`, async () => {
      const page = await web.get(at('/account/sign-out-everywhere'));
      const before = await generation();
      await atOnce((index) => post(page, '/sign-out-everywhere', { confirm: 'yes' }, index));
      expect(await generation()).to.equal(before + 1);
      expect(titleOf(await web.get(at('/account')))).to.equal('Sign in');
    });
  }

  it('of several at once that would be the fifth, one is added', async () => {
    for (let made = 1; made < 4; made += 1) await add();
    const path = at('/account/authenticators/add/totp');
    const browsers = [web];
    // One after another: each takes a fresh code.
    for (let more = 1; more <= 3; more += 1) browsers.push((await openAccount(pair, person)).web);
    const forms = await Promise.all(
      browsers.map(async (browser) => ({ browser, page: await browser.get(path) })),
    );
    const pages = await Promise.all(
      forms.map(async ({ browser, page }, index) => {
        const { action, fields } = findForm(await web.next(page), '/add/totp');
        const target = new URL(action.pathname, pair.processes[index % 2]?.url);
        return browser.post(target, { ...fields, code: codeFor(secretOn(page)) });
      }),
    );
    expect(pages.filter(({ status }) => status >= 500)).to.deep.equal([]);
    const { store: database } = pair.core;
    const rows = database.sql('authenticators').where({ account_id: person.id });
    expect(await database.all(database.compile(rows))).to.have.length(5);
  });

  it('changes of several kinds at once leave an account that opens', async () => {
    const setup = await web.get(at('/account/authenticators/add/totp'));
    const change = await web.get(at('/account/password'));
    const secret = secretOn(setup);
    const form = await web.next(setup);
    const before = await generation();
    const next = password(0);
    const pages = await atOnce((index) =>
      index % 4 < 2
        ? post(form, '/add/totp', { code: codeFor(secret) }, index)
        : post(
            change,
            '/account/password',
            { current_password: PASSWORD, new_password: next, confirm_password: next },
            index,
          ),
    );
    const changed = doing(pages, 'password-changed').length;
    const added = doing(pages, 'factor-added').length;
    expect([changed, added].every((count) => count < 2)).to.equal(true);
    expect(changed + added).to.be.greaterThan(0);
    expect(await generation()).to.equal(before + changed);
    await expectHere();
    await openAccount(pair, { ...person, password: changed ? next : PASSWORD });
  });

  it('access that is revoked while a code is on its way leaves nothing behind', async () => {
    await signInElsewhere(pair, party, person, { web });
    const path = `/account/applications/${party.id}/revoke`;
    for (let round = 0; round < 10; round += 1) {
      const asked = await web.get(at(path));
      const requests = Array.from({ length: 6 }, () => party.url({ prompt: 'none' }));
      const [answers] = await Promise.all([
        Promise.all(requests.map(({ url }) => web.copy().get(url))),
        post(asked, '/revoke', { confirm: 'yes' }, 1),
      ]);
      for (const [index, { url }] of answers.entries()) {
        const code = url.searchParams.get('code');
        if (!code) continue;
        const request = requests[index];
        if (!request) throw new Error('no request');
        expect((await party.redeem(request, code)).body.error, `round ${round}`).to.equal(
          'invalid_grant',
        );
      }
      expect(await pair.core.store.find(consentRow())).to.equal(undefined);
      await signInElsewhere(pair, party, person, { web });
    }
  });

  const consentRow = () => {
    const { store: database } = pair.core;
    const row = database.sql('consents').where({ account_id: person.id, client_id: party.id });
    return database.compile(row);
  };
});

onBothStores('guesses at the current password over two processes', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, { GATEHOUSE_CONFIG: '' });
  });
  after(() => pair.stop());

  it('three of twenty at once are looked at', async () => {
    const party = await createRelyingParty(pair);
    const person = await createEnrolledPerson(pair, party);
    const { web } = await openAccount(pair, person);
    const page = await web.get(`${pair.url}/account/password`);
    const form = findForm(page, '/account/password');
    const statuses = await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const target = new URL(form.action.pathname, pair.processes[index % 2]?.url);
        const typed = {
          ...form.fields,
          current_password: `wrong ${index}`,
          new_password: password(0),
          confirm_password: password(0),
        };
        return (await web.copy().post(target, typed)).status;
      }),
    );
    const count = (status: number) => statuses.filter((each) => each === status).length;
    expect([count(422), count(429)]).to.deep.equal([3, AT_ONCE - 3]);
  });
});
