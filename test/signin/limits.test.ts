// The numbers of each limit on passwords, as the sign-in page shows them.
import { expect } from 'chai';
import { createFakeFactor } from '../support/fake-factor/fake-factor.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  BEHIND_PROXY,
  createVerifier,
  evaluated,
  type From,
  freshAddress,
  guess,
  guessWrong,
  retryAtOf,
} from '../support/guesses.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf } from '../support/web.ts';

onOneStore('limits on passwords', (store) => {
  const verifier = createVerifier();
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let from: From;

  before(async () => {
    gatehouse = await startGatehouse({
      store,
      env: BEHIND_PROXY,
      factors: (needs) => [...verifier.factors(needs), ...fake.factors(needs).slice(1)],
    });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    from = { address: freshAddress() };
  });
  after(() => gatehouse.stop());

  const wrong = (times: number, where = from, email = person.email) =>
    guessWrong(party, email, times, where);
  const right = (where = from): Promise<Page> => guess(party, person.email, person.password, where);
  const expectIn = (page: Page) => expect(titleOf(page)).to.equal('Allow access');
  const times = (count: number, status: number) => Array.from({ length: count }, () => status);

  describe('of an identifier from one address range', () => {
    it('five failures, and the sixth attempt is not looked at', async () => {
      const before = verifier.looks();
      expect(await wrong(7)).to.deep.equal([...times(5, 422), 429, 429]);
      expect(verifier.looks() - before).to.equal(5);
    });

    it('the page says how many are left, then when to come back', async () => {
      const words: string[] = [];
      for (let left = 4; left >= 1; left -= 1) {
        words.push(alertOf(await guess(party, person.email, 'wrong', from)));
      }
      expect(words).to.deep.equal([
        "That email and password don't match. Check both and try again. 4 attempts left before a pause of 15 minutes.",
        "That email and password don't match. Check both and try again. 3 attempts left before a pause of 15 minutes.",
        "That email and password don't match. Check both and try again. 2 attempts left before a pause of 15 minutes.",
        "That email and password don't match. Check both and try again. 1 attempt left before a pause of 15 minutes.",
      ]);
      const last = await guess(party, person.email, 'wrong', from);
      expect(last.status).to.equal(422);
      expect(alertOf(last)).to.match(/No attempts left\. Try again at .*\d\d:\d\d UTC/);
      const refused = await guess(party, person.email, 'wrong', from);
      expect(refused.status).to.equal(429);
      expect(alertOf(refused)).to.match(
        /Too many failed attempts\. .*Try again at .*\d\d:\d\d UTC/,
      );
      expect(retryAtOf(refused)).to.be.within(840, 900);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(840, 900);
    });

    it('while limited a right password reads like a wrong one', async () => {
      await wrong(5);
      const [one, other] = [await guess(party, person.email, 'wrong', from), await right()];
      expect([one.status, other.status]).to.deep.equal([429, 429]);
      expect(alertOf(other)).to.equal(alertOf(one));
    });

    it('the window starts with the first failure and is fixed', async () => {
      await wrong(1);
      await gatehouse.advance('14m');
      expect(await wrong(5)).to.deep.equal([...times(4, 422), 429]);
      await gatehouse.advance('61s');
      expectIn(await right());
    });

    it('a right password that came first starts no window', async () => {
      await fake.enrol(gatehouse, person);
      expect(titleOf(await right())).to.equal('Two-factor authentication');
      await gatehouse.advance('10m');
      expect(await wrong(6)).to.deep.equal([...times(5, 422), 429]);
      await gatehouse.advance('6m');
      expect(await wrong(1)).to.deep.equal([429]);
    });

    it('refused attempts change nothing', async () => {
      await wrong(5);
      await gatehouse.advance('14m');
      expect(await wrong(10)).to.deep.equal(times(10, 429));
      await gatehouse.advance('61s');
      expect(await wrong(1)).to.deep.equal([422]);
    });

    it('another range has its own count, and the same range has not', async () => {
      await wrong(5);
      const neighbour = { address: String(from.address).replace(/7$/, '250') };
      expect((await right(neighbour)).status).to.equal(429);
      expectIn(await right({ address: freshAddress() }));
    });

    it('a right password without the rest of the sign-in is given back and clears nothing', async () => {
      await fake.enrol(gatehouse, person);
      await wrong(4);
      expect(titleOf(await right())).to.equal('Two-factor authentication');
      expect(await wrong(2)).to.deep.equal([422, 429]);
    });

    it('a finished sign-in clears the count', async () => {
      await wrong(4);
      expectIn(await right());
      expect(await wrong(6)).to.deep.equal([...times(5, 422), 429]);
    });
  });

  describe('lockouts', () => {
    const wait = () => gatehouse.advance('15m');
    /** So many failures over as many windows as they need. */
    const failures = async (count: number) => {
      for (let left = count; left > 0; left -= 5) {
        expect(evaluated(await wrong(Math.min(5, left)))).to.equal(Math.min(5, left));
        if (left > 5) await wait();
      }
    };

    it('the tenth failure starts one of an hour, and five more another', async () => {
      await failures(10);
      const tenth = await right();
      expect(tenth.status).to.equal(429);
      expect(Number(tenth.headers.get('retry-after'))).to.be.within(3540, 3600);
      await gatehouse.advance('59m');
      expect((await right()).status).to.equal(429);
      await gatehouse.advance('61s');
      await failures(5);
      const fifteenth = await right();
      expect(fifteenth.status).to.equal(429);
      expect(Number(fifteenth.headers.get('retry-after'))).to.be.within(3540, 3600);
      await gatehouse.advance('1h');
      expectIn(await right());
    });

    it('the eleventh to fourteenth start none', async () => {
      await failures(10);
      await gatehouse.advance('1h');
      await wrong(4);
      await wait();
      expectIn(await right());
    });

    it('the page counts down to the lockout where that comes first', async () => {
      await failures(8);
      const ninth = await guess(party, person.email, 'wrong', from);
      expect(alertOf(ninth)).to.include('1 attempt left before a pause of 1 hour.');
      expect(retryAtOf(await guess(party, person.email, 'wrong', from))).to.be.within(3540, 3600);
    });

    it('24 quiet hours forget what was before, and not a minute less', async () => {
      await failures(9);
      await gatehouse.advance('1439m');
      const tenth = await guess(party, person.email, 'wrong', from);
      expect(retryAtOf(tenth)).to.be.within(3540, 3600);
      await gatehouse.advance('24h');
      await failures(9);
      expect((await right()).status, 'the ninth locks nothing').to.equal(200);
    });

    it('a finished sign-in forgets them too', async () => {
      await failures(9);
      expectIn(await right());
      await wait();
      expect(await wrong(5)).to.deep.equal(times(5, 422));
      await wait();
      expectIn(await right());
    });

    it('one is in another range no lockout', async () => {
      await failures(10);
      expectIn(await right({ address: freshAddress() }));
    });
  });

  describe('of a fingerprint and of its range', () => {
    const name = (index: number) => `nobody-${index}-${from.address}@example.com`;
    const oneEach = async (count: number, where: (index: number) => From) => {
      for (let index = 0; index < count; index += 1) {
        expect(await wrong(1, where(index), name(index)), `name ${index}`).to.deep.equal([422]);
      }
    };

    /** As if there had been so many. */
    const seed = async (rule: string, failures: number) => {
      const { store: database } = gatehouse.core;
      const rows = database.sql('limit_counters').where({ rule });
      const newest = database.sql('limit_counters').where({ rule }).max('last_at');
      await database.write(database.compile(rows.where('last_at', newest).update({ failures }), 1));
    };
    const pauseOf = (page: Page) => Number(page.headers.get('retry-after'));

    it('twenty failures pace it: one attempt in two seconds, with a new name, too', async () => {
      await oneEach(20, () => from);
      const before = verifier.looks();
      for (const each of [name(0), name(20), person.email]) {
        const early = await guess(party, each, person.password, from);
        expect(early.status).to.equal(429);
        expect(pauseOf(early)).to.be.within(1, 2);
        expect(alertOf(early)).to.match(
          /^Too many failed attempts\. Wait [12] seconds?\. Try again at \d\d:\d\d:\d\d UTC/,
        );
      }
      expect(verifier.looks() - before, 'nothing was looked at').to.equal(0);
      await gatehouse.advance('2s');
      expect(await wrong(1, from, name(21))).to.deep.equal([422]);
      expect(await wrong(1, from, name(22))).to.deep.equal([429]);
      await gatehouse.advance('2s');
      expectIn(await right());
      expect(await wrong(1, { address: freshAddress() }, name(0))).to.deep.equal([422]);
    });

    it('the last attempt before a pause says how long it is', async () => {
      await oneEach(19, () => from);
      const last = await guess(party, person.email, 'wrong', from);
      expect(last.status).to.equal(422);
      expect(alertOf(last)).to.match(/Wait 1 second before you try again\. Try again at .*UTC/);
      expect(retryAtOf(last)).to.be.within(0, 1);
    });

    it('the pause doubles with every twenty failures, up to a minute', async () => {
      await oneEach(1, () => from);
      const pauses: number[] = [];
      for (const [step, before] of [19, 38, 39, 59, 79, 99, 118, 119, 500].entries()) {
        await seed('fingerprint', before);
        await gatehouse.advance('60s');
        expect(await wrong(1, from, name(step + 1))).to.deep.equal([422]);
        pauses.push(pauseOf(await guess(party, person.email, 'wrong', from)));
      }
      for (const [step, pause] of [2, 2, 4, 8, 16, 32, 32, 60, 60].entries()) {
        expect(pauses[step], `step ${step}`).to.be.within(pause - 1, pause);
      }
    });

    it('another User-Agent buys no new budget', async () => {
      await oneEach(20, (index) => ({ ...from, userAgent: `Agent/${index}` }));
      const other = { ...from, userAgent: 'Another/1.0' };
      expect(await wrong(1, other, name(20))).to.deep.equal([429]);
    });

    it('a finished sign-in takes back what its own name has added, and nothing of others', async () => {
      await oneEach(17, () => from);
      expect(await wrong(2)).to.deep.equal([422, 422]);
      expectIn(await right());
      // Seventeen are left: two more than before fit in.
      expect(await wrong(1, from, name(30))).to.deep.equal([422]);
      expect(await wrong(1, from, name(31))).to.deep.equal([422]);
      expect(await wrong(1, from, name(32))).to.deep.equal([422]);
      expect(await wrong(1, from, name(33))).to.deep.equal([429]);
      await gatehouse.advance('2s');
      expectIn(await right());
      expect(await wrong(2, from, name(34))).to.deep.equal([422, 429]);
    });

    it('who has failed here before waits half as long, to be done and take it back', async () => {
      await oneEach(19, () => from);
      expect(await wrong(1)).to.deep.equal([422]);
      expect((await right()).status).to.equal(429);
      await gatehouse.advance('1s');
      expect((await guess(party, name(50), 'wrong', from)).status).to.equal(429);
      expectIn(await right());
      expect(await wrong(2, from, name(51))).to.deep.equal([422, 429]);
    });

    it('a hundred failures pace the range, whatever the address in it', async () => {
      const prefix = String(from.address).replace(/7$/, '');
      const within = (index: number) => ({ address: `${prefix}${index + 1}` });
      await oneEach(3, within);
      await seed('range', 99);
      expect(await wrong(2, within(100), name(100))).to.deep.equal([422, 429]);
      expect((await right(within(101))).status).to.equal(429);
      await gatehouse.advance('2s');
      expectIn(await right(within(102)));
      expect(await wrong(1, { address: freshAddress() }, name(0))).to.deep.equal([422]);
    });
  });

  describe('of an identifier from anywhere', () => {
    const fifty = async () => {
      for (let range = 0; range < 10; range += 1) await wrong(5, { address: freshAddress() });
    };

    it('after fifty failures in an hour one attempt per 2, 4, … 60 seconds', async () => {
      await fifty();
      const pauses: number[] = [];
      for (let attempt = 0; attempt < 8; attempt += 1) {
        const address = freshAddress();
        const early = await guess(party, person.email, 'wrong', { address });
        expect(early.status, `attempt ${attempt}`).to.equal(429);
        pauses.push(Number(early.headers.get('retry-after')));
        await gatehouse.advance(`${pauses.at(-1)}s`);
        expect(await wrong(1, { address }), `attempt ${attempt}`).to.deep.equal([422]);
      }
      // The clock runs on between an answer and the next question.
      for (const [attempt, pause] of [2, 4, 8, 16, 32, 60, 60, 60].entries()) {
        expect(pauses[attempt], `attempt ${attempt}`).to.be.within(pause - 1, pause);
      }
      await gatehouse.advance('60s');
      expectIn(await right());
    });

    it('when the hour is over it is as before', async () => {
      await fifty();
      expect(await wrong(1)).to.deep.equal([429]);
      await gatehouse.advance('1h');
      expect(await wrong(2)).to.deep.equal([422, 422]);
    });

    it('the owner of a known browser is not slowed down', async () => {
      const web = createWeb(gatehouse.url);
      expectIn(await right({ ...from, web }));
      await fifty();
      expect((await right({ address: freshAddress() })).status).to.equal(429);
      expectIn(await right({ address: freshAddress(), web: forgetSession(web) }));
    });
  });

  describe('of a known browser', () => {
    it('it has five failures and ten of its own, and no other rule stops it', async () => {
      const web = createWeb(gatehouse.url);
      expectIn(await right({ ...from, web }));
      forgetSession(web);
      await wrong(5);
      for (const [index] of times(20, 0).entries()) {
        await wrong(1, from, `someone-${index}-${from.address}@example.com`);
      }
      expect((await right()).status).to.equal(429);
      expect(await wrong(6, { ...from, web })).to.deep.equal([...times(5, 422), 429]);
      await gatehouse.advance('15m');
      expect(await wrong(6, { ...from, web })).to.deep.equal([...times(5, 422), 429]);
      const locked = await right({ ...from, web });
      expect(Number(locked.headers.get('retry-after'))).to.be.within(3540, 3600);
      await gatehouse.advance('1h');
      expectIn(await right({ ...from, web }));
    });

    it('a finished sign-in in it clears its count', async () => {
      const web = createWeb(gatehouse.url);
      expectIn(await right({ ...from, web }));
      expect(await wrong(4, { ...from, web: forgetSession(web) })).to.deep.equal(times(4, 422));
      expectIn(await right({ ...from, web }));
      expect(await wrong(5, { ...from, web: forgetSession(web) })).to.deep.equal(times(5, 422));
    });
  });

  it('what clears an account clears all its counters, and no other', async () => {
    const other = await createPerson(gatehouse);
    const elsewhere = { address: freshAddress() };
    const web = createWeb(gatehouse.url);
    expectIn(await right({ ...from, web }));
    forgetSession(web);
    await Promise.all([wrong(5), wrong(5, elsewhere), wrong(5, { ...from, web })]);
    await wrong(5, { address: freshAddress() }, other.email);
    await wrong(5, from, other.email);
    const { limits, store: database } = gatehouse.core;
    await database.commit(limits.clearAccount(person));
    for (const where of [from, elsewhere, { ...from, web }]) {
      expect(await wrong(1, where)).to.deep.equal([422]);
    }
    expect(await wrong(1, from, other.email)).to.deep.equal([429]);
  });
});

/** The browser as it is after signing out. */
function forgetSession<T extends ReturnType<typeof createWeb>>(web: T): T {
  web.clear(({ name }) => !name.startsWith('gatehouse_browser'));
  return web;
}
