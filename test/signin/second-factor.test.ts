// A second factor that nothing in src names: what it takes to add one, and what it then protects.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import type { Unit } from '../../src/store/statement.ts';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

onOneStore('a second factor', (store) => {
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, factors: fake.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    await fake.enrol(gatehouse, person);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const afterPassword = async (parameters = {}): Promise<Page> => {
    const page = await web.get(party.url(parameters).url);
    return web.submit(page, '/prove/password', { ...person });
  };
  const expectNoCode = (page: Page) => {
    expect(page.url.searchParams.get('code'), page.url.href).to.equal(null);
    expect(page.text).not.to.include('value="allow"');
  };

  it('is named nowhere in the sources', () => {
    const src = join(import.meta.dirname, '../../src');
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' });
    const sources = files.filter((file) => file.endsWith('.ts'));
    const naming = sources.filter((file) => /'fake'/.test(readFileSync(join(src, file), 'utf8')));
    expect(naming).to.deep.equal([]);
  });

  it('is asked for after the password, and both together are mfa', async () => {
    const request = party.url();
    const page = await web.get(request.url);
    const second = await web.submit(page, '/prove/password', { ...person });
    expect(titleOf(second)).to.equal('Two-factor authentication');
    expect(second.text).to.include('Step 2 of 2');
    const wrong = await web.submit(second, '/prove/fake', { word: 'no' });
    expect(wrong.status).to.equal(422);
    expect(alertOf(wrong)).to.include("isn't right");
    const last = await web.submit(wrong, '/prove/fake', { word: RIGHT_WORD });
    const answer = await party.redeem(request, codeOf(await allowIfAsked(web, last)));
    const claims = decodeJwt(String(answer.body.id_token));
    expect(claims.acr).to.equal('urn:gatehouse:acr:mfa');
    expect(claims.amr).to.deep.equal(['pwd', 'hwk', 'mfa']);
  });

  it('who asks for mfa gets it', async () => {
    const second = await afterPassword({ acr_values: 'urn:gatehouse:acr:mfa' });
    const last = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
    codeOf(await allowIfAsked(web, last));
  });

  it('a verifier that breaks refuses', async () => {
    const second = await afterPassword();
    const broken = await web.submit(second, '/prove/fake', { word: 'explode' });
    expect(broken.status).to.equal(422);
    expect(titleOf(broken)).to.equal('Two-factor authentication');
  });

  describe('after the password alone', () => {
    it('the resume address gives nothing', async () => {
      const second = await afterPassword();
      const uid = second.url.pathname.split('/').at(-1);
      const resumed = await web.get(`${gatehouse.url}/authorize/${uid}`);
      expectNoCode(resumed);
      expect(titleOf(resumed)).to.equal('Sign in');
    });

    it('another authorization request, of another client too, starts anew', async () => {
      await afterPassword();
      const other = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
      expect(titleOf(await web.get(party.url().url))).to.equal('Sign in');
      expect(titleOf(await web.get(other.url().url))).to.equal('Sign in');
      expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
    });

    it('prompt=none says login_required', async () => {
      await afterPassword();
      const silent = await web.get(party.url({ prompt: 'none' }).url);
      expect(silent.url.searchParams.get('error')).to.equal('login_required');
    });

    it('every half-way cookie, replayed anywhere, gives nothing', async () => {
      const second = await afterPassword();
      const names = web.cookies().map(({ name }) => name);
      expect(names.filter((name) => name.includes('session'))).to.deep.equal([]);
      // The same values under each name and path that might count.
      const uid = second.url.pathname.split('/').at(-1);
      const values = web.cookies().map(({ value }) => value);
      for (const value of values) {
        for (const name of ['gatehouse_session', 'gatehouse_resume', 'gatehouse_interaction']) {
          const signature =
            web.cookies().find((each) => each.name === `${name}.sig`)?.value ?? value;
          const cookie = `${name}=${value}; ${name}.sig=${signature}`;
          for (const path of [`/authorize/${uid}`, '/account', `/sign-in/${uid}`]) {
            const page = await createWeb(gatehouse.url).get(`${gatehouse.url}${path}`, { cookie });
            expectNoCode(page);
            expect(titleOf(page)).not.to.equal('Account');
          }
        }
      }
    });

    it('the consent form cannot be sent', async () => {
      const second = await afterPassword();
      const csrf = /name="csrf" value="([^"]+)"/.exec(second.text)?.[1] ?? '';
      const answer = await web.post(`${second.url}/consent`, { csrf, decision: 'allow' });
      expectNoCode(answer);
      expect(titleOf(answer)).to.equal(titleOf(second));
    });

    it('a password sent again, or a second factor for another step, changes nothing', async () => {
      const second = await afterPassword();
      const csrf = /name="csrf" value="([^"]+)"/.exec(second.text)?.[1] ?? '';
      const again = await web.post(`${second.url}/prove/password`, { csrf, ...person });
      expect(titleOf(again)).to.equal('Two-factor authentication');
      const fresh = await web.get(party.url().url);
      const early = await web.submit(fresh, '/prove/password', {
        ...person,
        email: 'x@example.com',
      });
      expect(early.status).to.equal(422);
      const forged = await web.post(`${fresh.url}/prove/fake`, {
        csrf: /name="csrf" value="([^"]+)"/.exec(fresh.text)?.[1] ?? '',
        word: RIGHT_WORD,
      });
      expect(titleOf(forged)).to.equal('Sign in');
    });

    it('two tabs with two people never mix', async () => {
      const other = await createPerson(gatehouse);
      await fake.enrol(gatehouse, other);
      const one = await afterPassword();
      const page = await web.get(party.url().url);
      const two = await web.submit(page, '/prove/password', { ...other });
      expect(one.text).to.include(person.email);
      expect(two.text).to.include(other.email);
      expect((await web.get(one.url)).text).to.include(person.email);
    });

    it('another browser that has the address cannot go on', async () => {
      const second = await afterPassword();
      const stranger = await createWeb(gatehouse.url).get(second.url);
      expect(stranger.status).to.equal(400);
      expect(titleOf(stranger)).to.equal('Cookies are needed');
    });

    it('Use a different account forgets the proof', async () => {
      const second = await afterPassword();
      const start = await web.submit(second, '/switch');
      expect(titleOf(start)).to.equal('Sign in');
      const csrf = /name="csrf" value="([^"]+)"/.exec(second.text)?.[1] ?? '';
      const stale = await web.post(`${second.url}/prove/fake`, { csrf, word: RIGHT_WORD });
      expectNoCode(stale);
      expect(titleOf(stale)).to.equal('Sign in');
    });

    it('after fifteen minutes the sign-in has expired, and Start again works', async () => {
      const second = await afterPassword();
      await gatehouse.advance('16m');
      const late = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
      expect(late.status).to.equal(410);
      expect(titleOf(late)).to.equal('Your sign-in expired');
      const again = await web.submit(late, '/restart');
      expect(titleOf(again)).to.equal('Sign in');
      const next = await web.submit(again, '/prove/password', { ...person });
      const last = await web.submit(next, '/prove/fake', { word: RIGHT_WORD });
      codeOf(await allowIfAsked(web, last));
    });

    it('a password changed meanwhile voids the sign-in, and Start again works', async () => {
      const second = await afterPassword();
      const { store: database } = gatehouse.core;
      const raised = database.sql('accounts').where({ id: person.id }).increment('generation', 1);
      await database.write(database.compile(raised, 1));
      const answer = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
      expect(titleOf(answer)).to.equal('Your sign-in expired');
      expect(titleOf(await web.get(second.url))).to.equal('Your sign-in expired');
      expect(titleOf(await web.submit(answer, '/restart'))).to.equal('Sign in');
    });

    it('a crash before the end is made good by the next look at the page', async () => {
      const second = await afterPassword();
      const { store: database } = gatehouse.core;
      const { commit } = database;
      // The proof is recorded; the process is as good as dead before the unit that ends it all.
      Object.assign(database, {
        commit: (unit: Unit) => {
          const isLast = unit.some(({ sql }) => sql.includes('oidc_artifacts'));
          return isLast ? Promise.reject(new Error('the process died')) : commit(unit);
        },
      });
      const crashed = await web.submit(second, '/prove/fake', { word: RIGHT_WORD });
      Object.assign(database, { commit });
      expect(crashed.status).to.equal(500);
      codeOf(await allowIfAsked(web, await web.get(second.url)));
    });
  });

  it('a second POST of a finished sign-in gets the same redirect', async () => {
    const second = await afterPassword();
    const csrf = /name="csrf" value="([^"]+)"/.exec(second.text)?.[1] ?? '';
    const send = () =>
      web.once(`${second.url}/prove/fake`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ csrf, word: RIGHT_WORD }).toString(),
      });
    const answers = await Promise.all([send(), send(), send()]);
    const late = await send();
    const locations = new Set([...answers, late].map(({ headers }) => headers.get('location')));
    const uid = second.url.pathname.split('/').at(-1);
    expect([...locations]).to.satisfy((all: string[]) =>
      all.every(
        (each) => each === `${gatehouse.url}/authorize/${uid}` || each === second.url.pathname,
      ),
    );
    expect(locations.has(`${gatehouse.url}/authorize/${uid}`)).to.equal(true);
    expect(late.headers.get('location')).to.equal(`${gatehouse.url}/authorize/${uid}`);
  });
});
