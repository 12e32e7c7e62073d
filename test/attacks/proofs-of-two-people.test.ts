// One sign-in, two people: what one of them has proved must not stand beside what the other has.
import { expect } from 'chai';
import { createFactors } from '../../src/factors/index.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { startUpstream, type Upstream } from '../support/own-factors/upstream.ts';
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

onOneStore('proofs of two people', (store) => {
  /** Proves that somebody holds a key, as a first factor. */
  let key: Upstream;
  /** Proves that somebody holds a phone, as a second factor of whoever is in `phones`. */
  let phone: Upstream;
  const phones = new Set<string>();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let victim: EnrolledPerson;
  let mallory: Person;
  let web: Web;

  before(async () => {
    [key, phone] = [await startUpstream(), await startUpstream()];
    gatehouse = await startGatehouse({
      store,
      env: WITH_FACTOR,
      factors: (needs) => [
        ...createFactors(needs),
        key.create(needs, { name: 'key', proves: 'possession', amr: ['hwk'] }),
        phone.create(needs, {
          name: 'phone',
          step: 'second-factor',
          proves: 'possession',
          isEnrolled: async (id) => phones.has(id),
        }),
      ],
    });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
    victim = await createEnrolledPerson(gatehouse, party);
    mallory = await createPerson(gatehouse);
  });
  beforeEach(() => {
    web = createWeb(gatehouse.url);
    phones.clear();
  });
  after(async () => {
    await gatehouse.stop();
    key.stop();
    phone.stop();
  });

  const begin = async (page: Page, factor: string): Promise<Page> => {
    const away = await web.submit(page, `/begin/${factor}`);
    const answer = await fetch(away.url, { redirect: 'manual' });
    return web.get(answer.headers.get('location') ?? '');
  };
  const password = async (page: Page, { email, password }: Person): Promise<Page> =>
    web.submit(page, '/prove/password', { email, password });
  const start = async () => web.get(party.url().url);
  const enrolPhone = async ({ email }: Person) => {
    phones.add((await gatehouse.core.accounts.findByEmail(email))?.id ?? '');
  };

  it('the password of another account is wrong after a first proof', async () => {
    key.email = victim.email;
    const asked = await begin(await start(), 'key');
    expect(titleOf(asked)).to.equal('Sign in');
    const refused = await password(asked, mallory);
    expect(titleOf(refused)).to.equal('Sign in');
    expect(alertOf(refused)).to.include("don't match");
  });

  it('a key and the password of the same account are both factors', async () => {
    key.email = victim.email;
    codeOf(await allowIfAsked(web, await password(await begin(await start(), 'key'), victim)));
  });

  it('a second factor that proves somebody else is wrong', async () => {
    await enrolPhone(victim);
    phone.email = mallory.email;
    const refused = await begin(await password(await start(), victim), 'phone');
    expect(titleOf(refused)).to.equal('Two-factor authentication');
    expect(alertOf(refused)).to.include("don't match");
    phone.email = victim.email;
    codeOf(await allowIfAsked(web, await begin(refused, 'phone')));
  });

  it('a second factor that the account does not have opens nothing', async () => {
    const asked = await password(await start(), victim);
    expect(asked.text).not.to.include('/begin/phone');
    phone.email = victim.email;
    await enrolPhone(mallory);
    const path = new URL(asked.url).pathname;
    const csrf = /name="csrf" value="([^"]+)"/.exec(asked.text)?.[1] ?? '';
    const again = await web.post(new URL(`${path}/begin/phone`, gatehouse.url), { csrf });
    expect(titleOf(again)).to.equal('Two-factor authentication');
    expect(again.url.origin).to.equal(gatehouse.url);
  });

  it('a way to sign in that does not answer leaves the others', async () => {
    key.isDown = true;
    const page = await web.submit(await start(), '/begin/key');
    key.isDown = false;
    expect(page.status).to.equal(503);
    expect(alertOf(page)).to.include("isn't available right now");
    expect(titleOf(await password(page, victim))).to.equal('Two-factor authentication');
  });
});
