// Change password: what it takes, what it ends, and how often it may be tried.
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import {
  type Elsewhere,
  expectDead,
  expectSignedIn,
  openAccount,
  openOnTrustedDevice,
  passSignIn,
  sectionOf,
  signInElsewhere,
  statusOf,
} from '../../support/account-page.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import {
  createRelyingParty,
  PASSWORD,
  type RelyingParty,
  type Tokens,
} from '../../support/relying-party.ts';
import { onBothStores } from '../../support/stores.ts';
import { NEW_PASSWORD, storedPassword } from '../../support/weak-person.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../../support/web.ts';

const CHALLENGE = 'Two-factor authentication';
const BACKCHANNEL = { backchannel_logout_uri: 'http://127.0.0.1:9/logout' };

onBothStores('changing the password', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: BACKCHANNEL });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const open = async (): Promise<Page> => {
    const first = await web.get(`${gatehouse.url}/account/password`);
    return passSignIn(gatehouse, web, first, person);
  };
  const send = (page: Page, typed: Record<string, string> = {}): Promise<Page> =>
    web.submit(page, '/account/password', {
      current_password: PASSWORD,
      new_password: NEW_PASSWORD,
      confirm_password: typed.new_password ?? NEW_PASSWORD,
      ...typed,
    });
  const count = async (table: string) => {
    const { store: database } = gatehouse.core;
    const rows = database.sql(table).where({ account_id: person.id });
    return (await database.all(database.compile(rows))).length;
  };

  it('asks for the current one, and twice for the new one', async () => {
    const page = await open();
    expect(titleOf(page)).to.equal('Change password');
    for (const label of ['Current password', 'New password', 'Confirm new password']) {
      expect(page.text).to.include(`>${label}</label>`);
    }
    expect(page.text).to.include('Password requirements');
  });

  it('is written, said, and the old one is wrong from then on', async () => {
    const done = await send(await open());
    expect(titleOf(done)).to.equal('Account');
    expect(statusOf(done)).to.equal("Password changed. You've been signed out everywhere else.");
    expect(sectionOf(done, 'Password')).to.match(/Changed on \w+, \d+ \w+/);
    const again = await web.get(`${gatehouse.url}/account`);
    expect(statusOf(again), 'told once').to.equal('');
    const { known } = await storedPassword(gatehouse, person.id);
    expect(known).to.equal(gatehouse.core.passwords.newest);
    const other = createWeb(gatehouse.url);
    expect((await afterPassword(other, party, person)).status).to.equal(422);
    const changed = { ...person, password: NEW_PASSWORD };
    expect(titleOf(await afterPassword(other, party, changed))).to.equal(CHALLENGE);
  });

  describe('ends', () => {
    let elsewhere: Elsewhere;
    let offline: Elsewhere;
    let here: Elsewhere;

    beforeEach(async () => {
      elsewhere = await signInElsewhere(gatehouse, party, person);
      const scope = 'openid email offline_access';
      offline = await signInElsewhere(gatehouse, party, person, { scope });
      await openAccount(gatehouse, person, web);
      here = await signInElsewhere(gatehouse, party, person, { web });
    });

    it('every other session with its tokens, those that outlive a sign-out too', async () => {
      await send(await open());
      await expectDead(gatehouse, elsewhere);
      await expectDead(gatehouse, offline);
    });

    it('the tokens of this session, which itself goes on', async () => {
      await send(await open());
      const { access_token: access, refresh_token: refresh = '' } = here.tokens;
      expect((await party.userinfo(access)).status).to.equal(401);
      expect((await party.refresh(refresh)).body.error).to.equal('invalid_grant');
      await expectSignedIn(gatehouse, web, party);
      const next = await signInElsewhere(gatehouse, party, person, { web });
      expect((await party.userinfo(next.tokens.access_token)).status).to.equal(200);
      const refreshed = await party.refresh(next.tokens.refresh_token ?? '');
      expect(refreshed.status).to.equal(200);
      const last = refreshed.body as unknown as Tokens;
      expect((await party.userinfo(last.access_token)).status).to.equal(200);
    });

    it('with a letter for each session that ends, and none for the one that goes on', async () => {
      const { store: database } = gatehouse.core;
      const page = await open();
      await database.write(database.compile(database.sql('outbox').del()));
      await send(page);
      const written = database.sql('outbox').where({ kind: 'backchannel_logout' });
      const letters = await database.all(database.compile(written));
      const told = letters.map(({ payload }) => JSON.parse(String(payload)).sid);
      const sids = [elsewhere, offline].map(({ tokens }) => decodeJwt(tokens.id_token ?? '').sid);
      expect(told).to.have.members(sids);
    });
  });

  it('ends the trust in devices; authenticators, backup codes and consents stay', async () => {
    const trusted = await openOnTrustedDevice(gatehouse, party, person);
    await signInElsewhere(gatehouse, party, person, { web: trusted });
    await send(await open());
    const changed = { ...person, password: NEW_PASSWORD };
    const challenge = await afterPassword(trusted, party, changed, { prompt: 'login' });
    expect(titleOf(challenge)).to.equal(CHALLENGE);
    const page = await web.get(`${gatehouse.url}/account`);
    expect(sectionOf(page, 'Trusted devices')).to.include('No trusted devices');
    expect(sectionOf(page, 'Authenticators')).to.include('One authenticator.');
    expect(sectionOf(page, 'Backup codes')).to.include('10 of 10 left.');
    expect(sectionOf(page, 'Connected applications')).to.include('Test App');
  });

  it('makes strangers of all browsers but this one', async () => {
    await signInElsewhere(gatehouse, party, person);
    const page = await open();
    expect(await count('known_browsers')).to.be.greaterThan(1);
    await send(page);
    expect(await count('known_browsers')).to.equal(1);
    const mine = web.cookies().find(({ name }) => name === 'gatehouse_browser')?.value;
    const found = await gatehouse.core.knownBrowsers.find(
      { accountId: person.id },
      { browser: mine },
    );
    expect(found?.id).to.be.a('string');
  });

  describe('is refused', () => {
    const unchanged = async () => {
      const { generation } = await storedPassword(gatehouse, person.id);
      expect(titleOf(await afterPassword(createWeb(gatehouse.url), party, person))).to.equal(
        CHALLENGE,
      );
      return generation;
    };

    const refusals: ReadonlyArray<readonly [string, Record<string, string>, number, RegExp]> = [
      ['without the current one', { current_password: '' }, 400, /Enter your current password/],
      ['without a new one', { new_password: '' }, 400, /Enter|Choose/],
      ['with two new ones that differ', { confirm_password: 'x' }, 400, /match|same|differ/i],
      ['with one below the policy', { new_password: 'short' }, 422, /requirement/i],
      ['with the one that it has', { new_password: PASSWORD }, 422, /differ|other|now/i],
      ['with one of a megabyte', { new_password: 'x'.repeat(4097) }, 400, /./],
    ];
    for (const [says, typed, status, words] of refusals) {
      it(says, async () => {
        const page = await open();
        const { generation } = await storedPassword(gatehouse, person.id);
        const answer = await send(page, typed);
        expect(answer.status).to.equal(status);
        expect(answer.text).to.match(words);
        expect(await unchanged()).to.equal(generation);
      });
    }

    it('with a wrong current one, which says how often it may still be', async () => {
      const page = await open();
      const answer = await send(page, { current_password: 'wrong' });
      expect(answer.status).to.equal(422);
      expect(alertOf(answer)).to.equal(
        "That isn't your current password. Try again. 2 attempts left before a pause of 1 hour.",
      );
      expect(answer.text).not.to.include('value="wrong"');
      await unchanged();
    });
  });

  describe('three times an hour', () => {
    const guess = (page: Page) => send(page, { current_password: 'wrong' });
    const expectLimited = (page: Page) => {
      expect(page.status).to.equal(429);
      expect(Number(page.headers.get('retry-after'))).to.be.within(3_400, 3_600);
      expect(alertOf(page)).to.match(/Try again at .*UTC/);
    };

    it('wrong ones count, and the fourth is not looked at though it is right', async () => {
      const page = await open();
      const statuses = [await guess(page), await guess(page), await guess(page)];
      expect(statuses.map(({ status }) => status)).to.deep.equal([422, 422, 422]);
      expect(alertOf(statuses[2] as Page)).to.match(/No attempts left.*Try again at/);
      expectLimited(await send(page));
      await gatehouse.advance('1h');
      const opened = await open();
      expect(titleOf(await send(opened))).to.equal('Account');
    });

    it('counts for the account, in whatever session', async () => {
      const page = await open();
      await guess(page);
      await guess(page);
      web = createWeb(gatehouse.url);
      const other = await open();
      await guess(other);
      expectLimited(await send(other));
    });

    it('changes count, too', async () => {
      const words = ['Vemo4-Lurk8-Pazi2', 'Sibo9-Tefk3-Ruvo6', 'Kalu5-Mird7-Zepo1'];
      let current = PASSWORD;
      for (const next of words) {
        const page = await open();
        const done = await send(page, { current_password: current, new_password: next });
        expect(titleOf(done), next).to.equal('Account');
        current = next;
        person = { ...person, password: next };
      }
      const page = await open();
      expectLimited(await send(page, { current_password: current, new_password: PASSWORD }));
    });

    it('what fails the policy, the same one, and what is not filled in do not count', async () => {
      const page = await open();
      for (let time = 0; time < 4; time += 1) {
        expect((await send(page, { new_password: 'short' })).status).to.equal(422);
        expect((await send(page, { new_password: PASSWORD })).status).to.equal(422);
        expect((await send(page, { current_password: '' })).status).to.equal(400);
      }
      expect(titleOf(await send(page))).to.equal('Account');
    });

    it('an operator who unlocks the account clears it', async () => {
      const page = await open();
      for (let time = 0; time < 3; time += 1) await guess(page);
      const { limits, store: database } = gatehouse.core;
      await database.write(...limits.clearAccount(person));
      expect(titleOf(await send(page))).to.equal('Account');
    });
  });

  it('while one types, the rules are answered, for whoever is signed in', async () => {
    const page = await open();
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const check = (fields: Record<string, string>) =>
      web.post(`${gatehouse.url}/account/password/check`, fields);
    const answer = await check({ csrf, new_password: 'sunshine' });
    expect(JSON.parse(answer.text).unmet).to.include.members(['length', 'listed']);
    expect((await check({ csrf: 'x', new_password: 'sunshine' })).status).to.equal(403);
  });
});
