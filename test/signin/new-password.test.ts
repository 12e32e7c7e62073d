// Update your password: what brings it up, what ends it, and that nothing leads around it.
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  type Request_,
  signIn,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import {
  createWeakPerson,
  NEW_PASSWORD,
  setHash,
  storedPassword,
  WEAK_PASSWORD,
} from '../support/weak-person.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const UPDATE = 'Update your password';
const STRONG = 'Tavu7-Ripo3-Keld9';

onOneStoreExcept(/side by side/, 'a password below the policy', (store) => {
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;
  let request: Request_;

  before(async () => {
    gatehouse = await startGatehouse({ store, factors: fake.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createWeakPerson(gatehouse);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const afterPassword = async (parameters = {}): Promise<Page> => {
    request = party.url(parameters);
    const page = await web.get(request.url);
    return web.submit(page, '/prove/password', { ...person });
  };
  const choose = (page: Page, password: string, confirm = password) =>
    web.submit(page, '/new-password', { new_password: password, confirm_password: confirm });
  const expectNoCode = (page: Page) => {
    expect(page.url.searchParams.get('code'), page.url.href).to.equal(null);
    expect(page.text).not.to.include('value="allow"');
  };
  const statesOf = (page: Page) =>
    Object.fromEntries(
      [...page.text.matchAll(/data-rule="(\w+)" data-state="(\w+)"/g)].map(([, r, s]) => [r, s]),
    );
  const flowRows = async () => {
    const { store: database } = gatehouse.core;
    return database.all(
      database.compile(database.sql('sign_in_flows').where({ account_id: person.id })),
    );
  };
  const csrfOf = (page: Page) => /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';

  it('gives way to a new one, and the sign-in goes on', async () => {
    const page = await afterPassword();
    expect(titleOf(page)).to.equal(UPDATE);
    expect(page.text).to.include('Step 2 of 2');
    expect(new Set(Object.values(statesOf(page)))).to.deep.equal(new Set(['open']));
    const before = await storedPassword(gatehouse, person.id);
    const last = await allowIfAsked(web, await choose(page, NEW_PASSWORD));
    const answer = await party.redeem(request, codeOf(last));
    expect(answer.status).to.equal(200);
    const after = await storedPassword(gatehouse, person.id);
    expect(after).to.include({ generation: before.generation + 1, known: 1 });
    expect(after.hash)
      .to.match(/^\$argon2id\$/)
      .and.not.to.equal(before.hash);
    const fresh = createWeb(gatehouse.url);
    await signIn(gatehouse, party, { ...person, password: NEW_PASSWORD }, { web: fresh });
    const old = await fresh.copy();
    old.clear();
    const refused = await old.submit(await old.get(party.url().url), '/prove/password', {
      ...person,
    });
    expect(refused.status).to.equal(422);
  });

  it('makes strangers of the browsers that the old one was used in, but for this one', async () => {
    const good = await createPerson(gatehouse);
    const { web: elsewhere } = await signIn(gatehouse, party, good);
    person = { ...good, password: WEAK_PASSWORD };
    await setHash(gatehouse, person.id, await bcrypt.hash(WEAK_PASSWORD, 4));
    await choose(await afterPassword(), NEW_PASSWORD);
    const isKnown = async (browser: Web) => {
      const cookie = browser.cookies().find(({ name }) => name === 'gatehouse_browser')?.value;
      const { knownBrowsers } = gatehouse.core;
      return (await knownBrowsers.find({ accountId: person.id }, { browser: cookie }))?.id;
    };
    expect(await isKnown(elsewhere)).to.equal(undefined);
    expect(await isKnown(web)).to.be.a('string');
  });

  it('is not asked for where the policy is met', async () => {
    const good = await createPerson(gatehouse);
    await setHash(gatehouse, good.id, await bcrypt.hash(STRONG, 4));
    await signIn(gatehouse, party, good);
    const after = await storedPassword(gatehouse, good.id);
    expect(after.hash).to.match(/^\$argon2id\$/);
    expect(after).to.include({ generation: 1, known: 1 });
    await signIn(gatehouse, party, good);
  });

  it('of a legacy hash is judged like any other', async () => {
    await setHash(gatehouse, person.id, await bcrypt.hash(WEAK_PASSWORD, 4));
    const page = await afterPassword();
    expect(titleOf(page)).to.equal(UPDATE);
    codeOf(await allowIfAsked(web, await choose(page, NEW_PASSWORD)));
    expect((await storedPassword(gatehouse, person.id)).hash).to.match(/^\$argon2id\$/);
  });

  it('a wrong password learns nothing of it', async () => {
    const page = await web.get(party.url().url);
    const refused = await web.submit(page, '/prove/password', { ...person, password: 'wrong' });
    expect(refused.status).to.equal(422);
    expect(titleOf(refused)).to.equal('Sign in');
    expect(await storedPassword(gatehouse, person.id)).to.include({ known: undefined });
  });

  describe('on its page', () => {
    it('shows every rule that a try does not meet, at once', async () => {
      const refused = await choose(await afterPassword(), 'abcd1234');
      expect(refused.status).to.equal(422);
      expect(titleOf(refused)).to.equal(UPDATE);
      expect(alertOf(refused)).to.equal('Check the marked fields.');
      expect(statesOf(refused)).to.deep.equal({
        length: 'unmet',
        uppercase: 'unmet',
        lowercase: 'met',
        digit: 'met',
        special: 'unmet',
        listed: 'unmet',
        personal: 'met',
        runs: 'unmet',
        repeats: 'met',
      });
      expect(refused.text).to.match(/Not met:<\/span>/);
      expect(refused.text).not.to.include('abcd1234');
      codeOf(await allowIfAsked(web, await choose(refused, NEW_PASSWORD)));
    });

    it('wants the same twice, and another than before', async () => {
      const page = await afterPassword();
      const different = await choose(page, NEW_PASSWORD, `${NEW_PASSWORD}x`);
      expect(different.status).to.equal(400);
      expect(different.text).to.include('The passwords don&#39;t match.');
      const empty = await choose(different, '');
      expect(empty.status).to.equal(400);
      expect(empty.text).to.include('Enter a new password.');
      const long = await choose(empty, 'Aa1-'.repeat(300));
      expect(long.status).to.equal(400);
      expectNoCode(long);
    });

    it('does not take the one that gives way, in whatever form', async () => {
      const { core } = gatehouse;
      const old = 'Ångström-Kelv7-Pazu2';
      const weak = await createWeakPerson(gatehouse, old.normalize('NFD'));
      // A policy that was changed a moment ago: what fails at the sign-in is met on the page.
      const page = await web.get(party.url().url);
      const { reviewStored } = core.passwords;
      Object.assign(core.passwords, { reviewStored: () => ({ unmet: true, meets: undefined }) });
      const due = await web.submit(page, '/prove/password', { ...weak });
      Object.assign(core.passwords, { reviewStored });
      const refused = await choose(due, old);
      expect(refused.status).to.equal(422);
      expect(refused.text).to.include('That&#39;s your current password.');
      codeOf(await allowIfAsked(web, await choose(refused, NEW_PASSWORD)));
    });

    it('judges while one types, and counts nothing', async () => {
      const page = await afterPassword();
      const check = (password: string, csrf = csrfOf(page)) =>
        web.once(`${page.url}/new-password/check`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({ csrf, new_password: password }).toString(),
        });
      for (let index = 0; index < 25; index += 1) {
        const answer = await check('Kangaroo-1');
        expect(JSON.parse(answer.text)).to.deep.equal({ unmet: ['length', 'listed'] });
      }
      expect(JSON.parse((await check(NEW_PASSWORD)).text)).to.deep.equal({ unmet: [] });
      expect((await check(NEW_PASSWORD, 'forged')).status).to.equal(403);
      const [row] = await flowRows();
      expect(JSON.parse(String(row?.facts)).password).to.include({ candidates: 0 });
      const stranger = await createWeb(gatehouse.url).post(`${page.url}/new-password/check`, {
        csrf: csrfOf(page),
        new_password: 'x',
      });
      expect(stranger.status).to.equal(400);
      expect(titleOf(stranger)).to.equal('Cookies are needed');
    });

    it('takes twenty tries and no twenty-first, side by side too', async () => {
      let page = await afterPassword();
      for (let index = 0; index < 19; index += 1) page = await choose(page, 'too-weak');
      expect(page.status).to.equal(422);
      // Each in a copy of the browser: what a page says is left in cookies.
      const weak = { new_password: 'too-weak', confirm_password: 'too-weak' };
      const send = () => web.copy().submit(page, '/new-password', weak);
      const answers = await Promise.all([send(), send(), send(), send()]);
      expect(answers.filter(({ status }) => status === 422).length).to.be.at.most(1);
      const last = await choose(page, NEW_PASSWORD);
      expect(last.status).to.equal(429);
      expect(alertOf(last)).to.include('Too many tries');
      expectNoCode(last);
      expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 1 });
      const again = await web.submit(await web.get(page.url), '/restart');
      const next = await web.submit(again, '/prove/password', { ...person });
      codeOf(await allowIfAsked(web, await choose(next, NEW_PASSWORD)));
    });

    it('cancels, and keeps nothing', async () => {
      const page = await afterPassword();
      const cancelled = await web.submit(page, '/cancel');
      expect(cancelled.url.searchParams.get('error')).to.equal('access_denied');
      expect((await flowRows()).every(({ ended_at: ended }) => ended !== null)).to.equal(true);
      expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 1 });
    });
  });

  describe('has no way round it', () => {
    it('by the resume address, another request or another client', async () => {
      const page = await afterPassword();
      const uid = page.url.pathname.split('/').at(-1);
      const resumed = await web.get(`${gatehouse.url}/authorize/${uid}`);
      expectNoCode(resumed);
      expect(titleOf(resumed)).to.equal('Sign in');
      const other = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
      for (const url of [party.url().url, other.url().url, `${gatehouse.url}/account`]) {
        expect(titleOf(await web.get(url)), url).to.equal('Sign in');
      }
      const silent = await web.get(party.url({ prompt: 'none' }).url);
      expect(silent.url.searchParams.get('error')).to.equal('login_required');
    });

    it('by another tab, the password again, another step or the consent form', async () => {
      await fake.enrol(gatehouse, person);
      const page = await afterPassword();
      expect(titleOf(await web.get(page.url))).to.equal(UPDATE);
      const csrf = csrfOf(page);
      for (const [path, fields] of [
        ['prove/password', { ...person }],
        ['prove/fake', { word: RIGHT_WORD }],
      ] as const) {
        const answer = await web.post(`${page.url}/${path}`, { csrf, ...fields });
        expectNoCode(answer);
        expect(titleOf(answer), path).to.equal(UPDATE);
      }
      const consent = await web.post(`${page.url}/consent`, { csrf, decision: 'allow' });
      expectNoCode(consent);
      expect(titleOf(consent)).to.equal(UPDATE);
    });

    it('by replaying the cookies of the half-way answers', async () => {
      const page = await afterPassword();
      const uid = page.url.pathname.split('/').at(-1);
      const names = web.cookies().map(({ name }) => name);
      expect(names.filter((name) => name.includes('session'))).to.deep.equal([]);
      for (const { value } of web.cookies()) {
        for (const path of [`/authorize/${uid}`, '/account', `/sign-in/${uid}`]) {
          const cookie = `gatehouse_session=${value}; gatehouse_session.sig=${value}`;
          const answer = await createWeb(gatehouse.url).get(`${gatehouse.url}${path}`, { cookie });
          expectNoCode(answer);
          expect(titleOf(answer)).not.to.equal('Account');
        }
      }
    });

    it('by the form of the step when it is not due, or before the password', async () => {
      const start = await web.get(party.url().url);
      const early = await web.post(`${start.url}/new-password`, {
        csrf: csrfOf(start),
        new_password: NEW_PASSWORD,
        confirm_password: NEW_PASSWORD,
      });
      expect(titleOf(early)).to.equal('Sign in');
      expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 1 });
    });
  });

  describe('until the sign-in ends', () => {
    beforeEach(() => fake.enrol(gatehouse, person));

    it('a thief with the old password alone changes nothing', async () => {
      const before = await gatehouse.core.accounts.get(person.id);
      const second = await choose(await afterPassword(), NEW_PASSWORD);
      expect(titleOf(second)).to.equal('Two-factor authentication');
      expect(second.text).to.include('Step 3 of 3');
      const wrong = await web.submit(second, '/prove/fake', { word: 'guess' });
      expect(wrong.status).to.equal(422);
      expect(await gatehouse.core.accounts.get(person.id)).to.deep.equal(before);
      const owner = createWeb(gatehouse.url);
      const page = await owner.submit(await owner.get(party.url().url), '/prove/password', {
        ...person,
      });
      expect(titleOf(page)).to.equal(UPDATE);
    });

    it('the second factor follows, and then all of it counts', async () => {
      const second = await choose(await afterPassword(), NEW_PASSWORD);
      const [waiting] = await flowRows();
      expect(waiting?.staged_hash).to.match(/^\$argon2id\$/);
      const last = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
      const answer = await party.redeem(request, codeOf(await allowIfAsked(web, last)));
      expect(answer.status).to.equal(200);
      const [ended] = await flowRows();
      expect(ended).to.include({ staged_hash: null });
      expect(await storedPassword(gatehouse, person.id)).to.deep.include({
        hash: waiting?.staged_hash,
        generation: 2,
        known: 1,
      });
    });

    it('a password chosen is not chosen again in another tab', async () => {
      const page = await afterPassword();
      await choose(page, NEW_PASSWORD);
      const late = await choose(page, 'Bofi5-Zarn6-Tulo8');
      expect(titleOf(late)).to.equal('Two-factor authentication');
      const last = await web.submit(late, '/prove/fake', { word: RIGHT_WORD });
      codeOf(await allowIfAsked(web, last));
      await expectRight(NEW_PASSWORD);
    });

    const expectRight = async (password: string) => {
      const { hash } = await storedPassword(gatehouse, person.id);
      const { default: argon2 } = await import('argon2');
      expect(await argon2.verify(hash, password)).to.equal(true);
    };

    for (const action of ['/switch', '/cancel']) {
      it(`${action} forgets what was chosen`, async () => {
        const second = await choose(await afterPassword(), NEW_PASSWORD);
        await web.submit(second, action);
        for (const row of await flowRows()) expect(row).to.include({ staged_hash: null });
        expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 1 });
      });
    }

    it('a password changed elsewhere meanwhile voids the sign-in', async () => {
      const second = await choose(await afterPassword(), NEW_PASSWORD);
      const { store: database } = gatehouse.core;
      const raised = database.sql('accounts').where({ id: person.id }).increment('generation', 1);
      await database.write(database.compile(raised, 1));
      const answer = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
      expect(titleOf(answer)).to.equal('Your sign-in expired');
      await expectRight(WEAK_PASSWORD);
    });

    it('two sign-ins side by side: one sets the password, the other starts again', async () => {
      const one = await choose(await afterPassword(), NEW_PASSWORD);
      const other = createWeb(gatehouse.url);
      const page = await other.submit(await other.get(party.url().url), '/prove/password', {
        ...person,
      });
      const two = await other.submit(page, '/new-password', {
        new_password: 'Bofi5-Zarn6-Tulo8',
        confirm_password: 'Bofi5-Zarn6-Tulo8',
      });
      const ends = await Promise.all([
        web.submit(one, '/prove/fake', { word: RIGHT_WORD }),
        other.submit(two, '/prove/fake', { word: RIGHT_WORD }),
      ]);
      const titles = ends.map(titleOf).sort();
      expect(titles).to.deep.equal(['Allow access', 'Your sign-in expired']);
      expect(await storedPassword(gatehouse, person.id)).to.include({ generation: 2 });
    });
  });

  it('the staged hash goes when its row expires, before the row does', async () => {
    await fake.enrol(gatehouse, person);
    await choose(await afterPassword(), NEW_PASSWORD);
    await gatehouse.advance('16m');
    const { sweep } = await import('../../src/store/sweep.ts');
    const { now } = await import('../../src/lib/clock.ts');
    await sweep(gatehouse.core.store, now());
    const [row] = await flowRows();
    expect(row).to.include({ staged_hash: null, ended_at: null });
    await advanceClock(gatehouse.url, undefined);
  });
});
