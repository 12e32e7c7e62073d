// The cookie by which a browser is known: forged, borrowed, planted or old, it is worth nothing.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  BEHIND_PROXY,
  createVerifier,
  type From,
  freshAddress,
  guess,
  guessWrong,
} from '../support/guesses.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, titleOf, type Web } from '../support/web.ts';

const NAME = 'gatehouse_browser';

onOneStore('the cookie of a known browser', (store) => {
  const verifier = createVerifier();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let from: From;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY, factors: verifier.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    from = { address: freshAddress() };
  });
  after(() => gatehouse.stop());

  const valueIn = (web: Web) => web.cookies().find(({ name }) => name === NAME)?.value ?? '';
  /** A browser that holds this cookie and nothing else. */
  const browserWith = (value: string): Web => {
    const host = new URL(gatehouse.url).hostname;
    return createWeb(gatehouse.url, [{ name: NAME, value, path: '/', host, expires: undefined }]);
  };
  const signInWith = async (value: string, who = person) => {
    const web = browserWith(value);
    const page = await guess(party, who.email, who.password, { address: freshAddress(), web });
    expect(titleOf(page)).to.equal('Allow access');
    return valueIn(web);
  };
  /** Whether a browser with this cookie gets past a full window. */
  const isKnown = async (value: string, who = person) => {
    await guessWrong(party, who.email, 5, from);
    const [status] = await guessWrong(party, who.email, 1, { ...from, web: browserWith(value) });
    return status !== 429;
  };

  it('is one, signed, HttpOnly, SameSite, for 400 days', async () => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const answer = await web.once(`${page.url}/prove/password`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrf, ...person }).toString(),
    });
    const lines = answer.headers.getSetCookie().filter((line) => line.startsWith(NAME));
    expect(lines).to.have.length(1);
    expect(lines[0])
      .to.match(/; path=\/; .*samesite=lax; httponly/i)
      .and.not.match(/domain/i);
    const expires = Date.parse(/expires=([^;]+)/.exec(lines[0] ?? '')?.[1] ?? '');
    expect((expires - Date.now()) / 86_400_000).to.be.within(399.9, 400);
    expect(await isKnown(valueIn(web))).to.equal(true);
  });

  it('no page sets it before the sign-in is finished', async () => {
    const web = createWeb(gatehouse.url);
    await guess(party, person.email, 'wrong', { ...from, web });
    expect(valueIn(web)).to.equal('');
  });

  it('forged', async () => {
    const value = await signInWith('');
    const [id = '', signature = ''] = value.split('.');
    const other = 'A'.repeat(43);
    const forged = [
      'x',
      `${other}.${other}`,
      `${other}.${signature}`,
      `${id}.${other}`,
      `${id}.${id}.${signature}`,
      `${other}.${value}`,
      `${value}.${signature}`,
      `.${signature}`,
      'A'.repeat(3000),
    ];
    for (const each of forged) {
      expect(await isKnown(each), each).to.equal(false);
      await gatehouse.advance('60m');
    }
    expect(await isKnown(value)).to.equal(true);
  });

  it("of another account's browser", async () => {
    const stranger = await createPerson(gatehouse);
    const value = await signInWith('', stranger);
    expect(await isKnown(value)).to.equal(false);
  });

  it('planted in a browser before its owner signs in there', async () => {
    const stranger = await createPerson(gatehouse);
    const planted = await signInWith('', stranger);
    const own = await signInWith(planted);
    expect(await isKnown(planted)).to.equal(false);
    expect(await isKnown(own)).to.equal(true);
    expect(await isKnown(own, stranger), 'both people are known there').to.equal(true);
  });

  it('of one account, signed in again, is the same browser with the same count', async () => {
    const first = await signInWith('');
    await guessWrong(party, person.email, 3, { ...from, web: browserWith(first) });
    const stranger = await createPerson(gatehouse);
    const second = await signInWith(first, stranger);
    const tries = await guessWrong(party, person.email, 3, { ...from, web: browserWith(second) });
    expect(tries).to.deep.equal([422, 422, 429]);
  });

  it('replayed after the account forgot its browsers', async () => {
    const [here, there] = [await signInWith(''), await signInWith('')];
    const { knownBrowsers, store: database } = gatehouse.core;
    await database.commit([await knownBrowsers.forget(person.id, here)]);
    expect([await isKnown(here), await isKnown(there)]).to.deep.equal([true, false]);
    await database.commit([await knownBrowsers.forget(person.id)]);
    await gatehouse.advance('1d');
    expect(await isKnown(here)).to.equal(false);
  });

  it('after 400 days without a sign-in', async () => {
    const [left, used] = [await signInWith(''), await signInWith('')];
    await gatehouse.advance('300d');
    await signInWith(used);
    await gatehouse.advance('101d');
    expect(await isKnown(left)).to.equal(false);
    expect(await isKnown(used)).to.equal(true);
  });

  it('the twenty used last are known', async () => {
    const values: string[] = [];
    for (let index = 0; index < 20; index += 1) values.push(await signInWith(''));
    const [first = '', second = ''] = values;
    await signInWith(first);
    const newest = await signInWith('');
    expect(await isKnown(second)).to.equal(false);
    expect(await isKnown(first)).to.equal(true);
    expect(await isKnown(newest)).to.equal(true);
  });

  it('a deleted account leaves none behind', async () => {
    const value = await signInWith('');
    const { store: database } = gatehouse.core;
    await database.write(
      database.compile(database.sql('accounts').where({ id: person.id }).del(), 1),
    );
    expect(await isKnown(value)).to.equal(false);
  });
});
