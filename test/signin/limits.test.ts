// The numbers of each limit on passwords, as the sign-in page shows them.
import { expect } from 'chai';
import { createFakeFactor } from '../support/fake-method/fake-method.ts';
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
import { onBothStores } from '../support/stores.ts';
import { alertOf, createWeb, type Page, titleOf } from '../support/web.ts';

onBothStores('limits on passwords', (store) => {
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
      methods: (needs) => [...verifier.methods(needs), ...fake.methods(needs).slice(1)],
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
        'That email and password do not match. Check both and try again. 4 attempts left before a pause of 15 minutes.',
        'That email and password do not match. Check both and try again. 3 attempts left before a pause of 15 minutes.',
        'That email and password do not match. Check both and try again. 2 attempts left before a pause of 15 minutes.',
        'That email and password do not match. Check both and try again. 1 attempt left before a pause of 15 minutes.',
      ]);
      const last = await guess(party, person.email, 'wrong', from);
      expect(last.status).to.equal(422);
      expect(alertOf(last)).to.match(/no attempts left for now\. Try again at .*\d\d:\d\d UTC/);
      const refused = await guess(party, person.email, 'wrong', from);
      expect(refused.status).to.equal(429);
      expect(alertOf(refused)).to.match(/Too many attempts .* Try again at .*\d\d:\d\d UTC/);
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

    it('twenty failures stop it; a new name may still try once', async () => {
      await oneEach(20, () => from);
      expect(await wrong(1, from, name(0))).to.deep.equal([429]);
      expect(await wrong(2, from, name(20))).to.deep.equal([422, 429]);
      expectIn(await right());
      const other = { ...from, userAgent: 'Another/1.0' };
      expect(await wrong(1, other, name(0))).to.deep.equal([422]);
      await gatehouse.advance('15m');
      expect(await wrong(1, from, name(0))).to.deep.equal([422]);
    });

    it('the last attempt says so where it fills the fingerprint', async () => {
      await oneEach(19, () => from);
      const filling = await guess(party, person.email, 'wrong', from);
      expect(alertOf(filling)).to.include('no attempts left');
      expect(retryAtOf(filling)).to.be.within(840, 900);
    });

    it('a finished sign-in clears neither', async () => {
      await oneEach(20, () => from);
      expectIn(await right());
      expect(await wrong(1, from, name(0))).to.deep.equal([429]);
    });

    it('a hundred failures stop the range, whatever the User-Agent and address in it', async () => {
      const prefix = String(from.address).replace(/7$/, '');
      const within = (index: number) => ({
        address: `${prefix}${index + 1}`,
        userAgent: `Agent/${index}`,
      });
      await oneEach(100, within);
      expect(await wrong(1, within(100), name(0))).to.deep.equal([429]);
      expect(await wrong(2, within(101), name(101))).to.deep.equal([422, 429]);
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
    const { limits, store: database } = gatehouse.house;
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
