// Guessing passwords in ways that make one guesser look like many.
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
import { plain } from '../support/plain.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  relyingParty,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { alertOf, createWeb, titleOf } from '../support/web.ts';

onOneStoreExcept(/at once/, 'password guessing', (store) => {
  const verifier = createVerifier();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY, factors: verifier.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  /** How many of twenty wrong passwords are looked at. */
  const looksOf = async (vary: (index: number) => From & { email?: string | undefined }) => {
    const before = verifier.looks();
    for (let index = 0; index < 20; index += 1) {
      const { email = person.email, ...from } = vary(index);
      await guess(party, email, `wrong ${index}`, from);
    }
    return verifier.looks() - before;
  };

  describe('a name gets five guesses whatever changes', () => {
    it('the User-Agent', async () => {
      const address = freshAddress();
      expect(await looksOf((i) => ({ address, userAgent: `Agent/${i}` }))).to.equal(5);
    });

    it('the entries of X-Forwarded-For that the client itself has written', async () => {
      const own = freshAddress();
      expect(await looksOf((i) => ({ address: `203.0.113.${i}, ${own}` }))).to.equal(5);
    });

    it('the address inside a /24', async () => {
      const prefix = freshAddress().replace(/7$/, '');
      expect(await looksOf((i) => ({ address: `${prefix}${i * 10}` }))).to.equal(5);
    });

    it('the address inside a /64, in any spelling', async () => {
      const address = (i: number) =>
        i % 2 ? `2001:db8:1:2:${i}::1` : `2001:0DB8:0001:0002:0:0:0:${i.toString(16)}`;
      expect(await looksOf((i) => ({ address: address(i) }))).to.equal(5);
    });

    it('an IPv4 address and its IPv6 form', async () => {
      const address = freshAddress();
      const mapped = `::ffff:${address}`;
      const port = `${address}:4711`;
      expect(await looksOf((i) => ({ address: [address, mapped, port][i % 3] }))).to.equal(5);
    });

    it('the spelling of the e-mail address', async () => {
      const address = freshAddress();
      const [local = '', host = ''] = person.email.split('@');
      const spellings = [
        person.email,
        person.email.toUpperCase(),
        `  ${person.email}\t`,
        `${local[0]?.toUpperCase()}${local.slice(1)}@${host}`,
        person.email.replace(/[a-z]/g, (c) => String.fromCodePoint(c.charCodeAt(0) + 0xfee0)),
      ];
      expect(await looksOf((i) => ({ address, email: spellings[i % 5] }))).to.equal(5);
    });

    it('the browser, the cookies and the authorization request', async () => {
      const address = freshAddress();
      const web = createWeb(gatehouse.url);
      expect(await looksOf((i) => ({ address, ...(i % 2 ? { web } : {}) }))).to.equal(5);
    });
  });

  it('a stranger with a hundred failures leaves the owner their browser', async () => {
    const address = freshAddress();
    const web = createWeb(gatehouse.url);
    const signIn = () => guess(party, person.email, person.password, { address, web });
    expect(titleOf(await signIn())).to.equal('Allow access');
    let failures = 0;
    // From the owner's own range first, then from everywhere.
    for (let round = 0; failures < 100; round += 1) {
      const from = { address: round === 0 ? address : freshAddress() };
      const statuses = await guessWrong(party, person.email, 5, from);
      failures += statuses.filter((status) => status === 422).length;
      if (statuses.includes(429)) await gatehouse.advance('60s');
    }
    web.clear(({ name }) => !name.startsWith('gatehouse_browser'));
    expect(titleOf(await signIn())).to.equal('Allow access');
  });

  for (const earlier of [0, 4, 9]) {
    it(`ten right passwords at once all sign in, after ${earlier} wrong ones too`, async () => {
      const address = freshAddress();
      if (earlier > 5) {
        await guessWrong(party, person.email, 5, { address });
        await gatehouse.advance('15m');
      }
      await guessWrong(party, person.email, earlier % 5, { address });
      const pages = await Promise.all(
        Array.from({ length: 10 }, () => guess(party, person.email, person.password, { address })),
      );
      expect(pages.map(titleOf)).to.deep.equal(Array.from({ length: 10 }, () => 'Allow access'));
    });
  }

  it('fifty wrong ones at once are five', async () => {
    const address = freshAddress();
    const before = verifier.looks();
    const pages = await Promise.all(
      Array.from({ length: 50 }, (_, i) => guess(party, person.email, `wrong ${i}`, { address })),
    );
    expect(pages.filter(({ status }) => status === 422)).to.have.length(5);
    expect(pages.filter(({ status }) => status === 429)).to.have.length(45);
    expect(verifier.looks() - before).to.equal(5);
    // Nothing is in flight any more: the next one is answered, and still refused.
    expect((await guess(party, person.email, 'wrong', { address })).status).to.equal(429);
  });

  it('unknown, known and suspended accounts answer alike from the first guess to the lockout', async () => {
    const suspended = await createPerson(gatehouse);
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: suspended.id });
    await database.write(database.compile(row.update({ status: 'suspended' }), 1));
    const names = [person.email, 'nobody-at-all@example.com', suspended.email];
    const doors = names.map((email) => ({ email, from: { address: freshAddress() } }));
    for (let attempt = 0; attempt < 14; attempt += 1) {
      if (attempt === 7) await gatehouse.advance('15m');
      // The right password where it can tell nothing: while the limit stands.
      const isRefused = [5, 6, 12, 13].includes(attempt);
      const password = isRefused ? person.password : 'wrong';
      const pages = await Promise.all(
        doors.map(({ email, from }) => guess(party, email, password, from)),
      );
      const [first, ...others] = pages.map((page, index) => plain(page, names[index] ?? ''));
      expect(first?.status).to.equal(isRefused ? 429 : 422);
      for (const other of others) expect(other, `attempt ${attempt}`).to.deep.equal(first);
    }
    const address = freshAddress();
    for (const left of [4, 3, 2]) {
      const wrong = await guess(party, suspended.email, 'wrong', { address });
      expect(wrong.text).to.include(`${left} attempts left`);
      const right = await guess(party, suspended.email, suspended.password, { address });
      expect(right.status).to.equal(403);
      expect(alertOf(right)).to.match(/^This account is suspended\./);
      expect(right.text).not.to.match(/attempts? left/);
    }
  });

  it('a right password of a locked account reads like a wrong one, and counts', async () => {
    const locked = await createPerson(gatehouse);
    const { store: database } = gatehouse.core;
    const row = database.sql('accounts').where({ id: locked.id });
    await database.write(database.compile(row.update({ status: 'locked' }), 1));
    const [one, other] = [{ address: freshAddress() }, { address: freshAddress() }];
    const wrong = await guess(party, locked.email, 'wrong', one);
    const right = await guess(party, locked.email, locked.password, other);
    expect(plain(right, locked.email)).to.deep.equal(plain(wrong, locked.email));
  });

  it('counters last over a restart', async () => {
    const address = freshAddress();
    await guessWrong(party, person.email, 5, { address });
    await gatehouse.pause();
    const { database } = gatehouse;
    const again = { database, env: BEHIND_PROXY, factors: verifier.factors };
    gatehouse = await startGatehouse(again);
    party = relyingParty(gatehouse.url, party.id, party.secret);
    expect(await guessWrong(party, person.email, 1, { address })).to.deep.equal([429]);
  });
});
