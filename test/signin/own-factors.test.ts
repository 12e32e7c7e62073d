// Two factors that src has never heard of: one that redirects, and one that wants a script.
import { expect } from 'chai';
import { createFactors } from '../../src/factors/index.ts';
import { openAccount } from '../support/account-page.ts';
import { createApplication } from '../support/application.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { answerTo, createScripted } from '../support/own-factors/scripted.ts';
import { startUpstream, type Upstream } from '../support/own-factors/upstream.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const KEY = 'the key that only the person has';

onOneStore('factors of a test', (store) => {
  const scripted = createScripted();
  let upstream: Upstream;
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    upstream = await startUpstream();
    gatehouse = await startGatehouse({
      store,
      env: WITH_FACTOR,
      factors: (needs) => [...createFactors(needs), upstream.create(needs), scripted.factor],
    });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    person = await createEnrolledPerson(gatehouse, party);
  });
  beforeEach(() => {
    web = createWeb(gatehouse.url);
    upstream.email = person.email;
  });
  after(async () => {
    await gatehouse.stop();
    upstream.stop();
  });

  const challengeOn = (page: Page): string =>
    /data-challenge="([^"]+)"/.exec(page.text)?.[1] ?? 'no challenge';
  const begin = async () => web.submit(await web.get(party.url().url), '/begin/upstream');
  /** There and back, as a browser goes. */
  const comeBack = async (away: Page, by = web): Promise<Page> => {
    const answer = await fetch(away.url, { redirect: 'manual' });
    return by.get(answer.headers.get('location') ?? '');
  };
  const password = async () => {
    const { email, password } = person;
    return web.submit(await web.get(party.url().url), '/prove/password', { email, password });
  };

  describe('that redirects', () => {
    it('stands beside the password, leads away and back, and the second factor is next', async () => {
      const page = await web.get(party.url().url);
      expect(titleOf(page)).to.equal('Sign in');
      expect(page.text).to.match(/action="\/sign-in\/[\w-]+\/begin\/upstream"/);
      expect(page.text).to.include('name="password"');
      const away = await begin();
      expect(away.url.origin).to.equal(upstream.origin);
      expect(away.url.searchParams.get('redirect_uri')).to.equal(
        `${gatehouse.url}/sign-in/callback/upstream`,
      );
      const back = await comeBack(away);
      expect(titleOf(back)).to.equal('Two-factor authentication');
    });

    it('says so when the person cancels there, and offers everything again', async () => {
      upstream.email = undefined;
      const back = await comeBack(await begin());
      expect(titleOf(back)).to.equal('Sign in');
      expect(alertOf(back)).to.include("didn't finish");
      expect(back.text).to.include('/begin/upstream');
    });

    it('refuses an account that is not there as a wrong password', async () => {
      upstream.email = 'nobody@example.com';
      const back = await comeBack(await begin());
      expect(titleOf(back)).to.equal('Sign in');
      expect(alertOf(back)).to.include("don't match");
    });

    it('takes no answer in another browser, for another sign-in, or with a state of its own', async () => {
      const first = await begin();
      const stranger = createWeb(gatehouse.url);
      expect(titleOf(await comeBack(first, stranger))).to.equal('Cookies are needed');
      const second = await begin();
      const answer = await fetch(first.url, { redirect: 'manual' });
      const mixed = new URL(answer.headers.get('location') ?? '');
      mixed.searchParams.set('state', second.url.searchParams.get('state') ?? '');
      const refused = await web.get(mixed);
      expect(titleOf(refused)).to.equal('Sign in');
      expect(alertOf(refused)).to.include("don't match");
      for (const state of ['', 'x', `${second.url.searchParams.get('state')}x`]) {
        mixed.searchParams.set('state', state);
        expect((await web.get(mixed)).status, state).to.equal(400);
      }
    });

    it('takes an answer once', async () => {
      const away = await begin();
      const answer = await fetch(away.url, { redirect: 'manual' });
      const location = answer.headers.get('location') ?? '';
      expect(titleOf(await web.get(location))).to.equal('Two-factor authentication');
      expect(titleOf(await web.get(location))).to.equal('Two-factor authentication');
      const again = await comeBackWith(location);
      expect(alertOf(again)).to.include("don't match");
    });

    const comeBackWith = async (location: string): Promise<Page> => {
      const code = new URL(location).searchParams.get('code') ?? '';
      const fresh = createWeb(gatehouse.url);
      const away = await fresh.submit(await fresh.get(party.url().url), '/begin/upstream');
      const back = new URL(away.url.searchParams.get('redirect_uri') ?? '');
      back.searchParams.set('state', away.url.searchParams.get('state') ?? '');
      back.searchParams.set('code', code);
      return fresh.get(back);
    };
  });

  describe('that wants a script', () => {
    it('is added on the account page, and stands there by name', async () => {
      const { web: own, page } = await openAccount(gatehouse, person);
      expect(page.text).to.include('/account/authenticators/add/scripted');
      const offer = await own.get(`${gatehouse.url}/account/authenticators/add/scripted`);
      expect(offer.text).to.match(/<script src="\/[^"]*copy/);
      const wrong = await own.submit(offer, '/add/scripted', { code: 'x', key: KEY });
      expect(wrong.status).to.equal(422);
      const code = answerTo(challengeOn(offer), KEY);
      const done = await own.submit(offer, '/add/scripted', { code, key: KEY });
      expect(titleOf(done)).to.equal('Account');
      expect(done.text).to.include('Security key');
      expect(done.text).not.to.include('/account/authenticators/add/scripted');
    });

    it('gives its challenge to the page, and its answer signs in', async () => {
      const asked = await password();
      expect(asked.text).to.include('?method=scripted');
      const page = await web.get(new URL('?method=scripted', asked.url));
      expect(page.text).to.match(/<script src="\/[^"]*copy/);
      const wrong = await web.submit(page, '/prove/scripted', { code: 'x' });
      expect(wrong.status).to.equal(422);
      expect(wrong.text).to.include('attempts left');
      const code = answerTo(challengeOn(page), KEY);
      codeOf(await web.submit(wrong, '/prove/scripted', { code }));
    });

    it('takes no answer to the challenge of another sign-in', async () => {
      const page = await web.get(new URL('?method=scripted', (await password()).url));
      const code = answerTo(challengeOn(page), KEY);
      web = createWeb(gatehouse.url);
      const other = await web.get(new URL('?method=scripted', (await password()).url));
      expect((await web.submit(other, '/prove/scripted', { code })).status).to.equal(422);
    });

    it('is offered by JSON, and its answer is a member of the request', async () => {
      const app = await createApplication(gatehouse);
      const { email, password } = person;
      const first = await app.post('login', { email, password });
      expect(first.body.methods).to.include('scripted');
      const { session_id } = first.body;
      const { scripted } = first.body.challenges as Record<string, { challenge: string }>;
      const wrong = await app.post('mfa', { session_id, scripted_answer: 'x' });
      expect([wrong.status, wrong.body.error]).to.deep.equal([401, 'invalid_mfa_code']);
      const answer = { session_id, scripted_answer: answerTo(scripted?.challenge ?? '', KEY) };
      expect((await app.post('mfa', answer)).status).to.equal(200);
    });

    it('is a first second factor, too', async () => {
      const newcomer = await createPerson(gatehouse);
      const set = await web.submit(await web.get(party.url().url), '/prove/password', {
        email: newcomer.email,
        password: newcomer.password,
      });
      expect(titleOf(set)).to.equal('Set up two-factor authentication');
      const offer = await web.get(new URL('?method=scripted', set.url));
      const code = answerTo(challengeOn(offer), KEY);
      const saving = await web.submit(offer, '/enrol/scripted', { code, key: KEY });
      expect(titleOf(saving)).to.equal('Save your backup codes');
      codeOf(await web.submit(saving, '/backup-codes', { saved: 'yes' }));
    });
  });
});
