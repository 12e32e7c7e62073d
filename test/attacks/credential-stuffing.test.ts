// Trying one password for each of many names: from one address it is paced, whatever else changes.
import { expect } from 'chai';
import type { Limited, Reservation } from '../../src/domain/limits/attempt.ts';
import { moveTestClock, now } from '../../src/lib/clock.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess, send } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, type Page, titleOf } from '../support/web.ts';

const WINDOW = 900_000;

const visitorAt = (address: string, userAgent = 'Stuffer/1.0') => ({
  address,
  userAgent,
  browser: undefined,
  devices: new Map<string, string>(),
});

/** @returns whether it was looked at */
async function fail(ticket: Reservation | Limited): Promise<boolean> {
  if (ticket.kind === 'reserved') await ticket.consume();
  return ticket.kind === 'reserved';
}

onBothStores('credential stuffing', (store) => {
  let pair: Pair;
  let party: RelyingParty;

  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
    party = await createRelyingParty(pair);
  });
  after(() => pair.stop());

  /** So many at once, to one process and the other in turn, each with a name of its own. */
  const burst = async (count: number, address: string): Promise<Page[]> => {
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    const names = Array.from({ length: count }, (_, i) => `${i}-of-${address}@example.com`);
    return Promise.all(
      names.map((email, i) => {
        const from = { address, at: pair.processes[i % 2]?.url ?? '' };
        return send(web, page, { email, password: 'Summer2026!' }, from);
      }),
    );
  };
  const withStatus = (pages: readonly Page[], status: number) =>
    pages.filter((page) => page.status === status);
  /** As if so much had failed from there already. */
  const seed = async (address: string, failures: number) => {
    const { limits, store: database } = pair.core;
    await fail(await limits.reserveSignIn(`first-of-${address}`, visitorAt(address)));
    const newest = database.sql('limit_counters').where({ rule: 'fingerprint' });
    const row = newest.clone().where('last_at', newest.clone().max('last_at'));
    await database.write(database.compile(row.update({ failures, paused_until: 0 }), 1));
  };

  it('three hundred fresh names at once: twenty are looked at, and nobody else waits', async () => {
    const [stranger, owner] = [await createPerson(pair), await createPerson(pair)];
    const address = freshAddress();
    const web = createWeb(pair.url);
    await guess(party, owner.email, owner.password, { address, web });
    web.clear(({ name }) => !name.startsWith('gatehouse_browser'));
    const flood = burst(300, address);
    for (let time = 0; time < 3; time += 1) {
      const from = { address: freshAddress(), at: pair.processes[time % 2]?.url ?? '' };
      const page = await guess(party, stranger.email, stranger.password, from);
      expect(titleOf(page), `time ${time}`).to.equal('Allow access');
    }
    const known = await guess(party, owner.email, owner.password, { address, web });
    expect(titleOf(known), 'from that very address').to.equal('Allow access');
    const pages = await flood;
    const looked = withStatus(pages, 422).length;
    // Every two seconds that this machine takes let one more in.
    expect(looked).to.be.within(20, 60);
    const refused = withStatus(pages, 429);
    expect(looked + refused.length).to.equal(300);
    for (const { headers } of refused) {
      expect(Number(headers.get('retry-after'))).to.be.within(1, 60);
    }
  });

  it('twenty at once for one slot, over two processes: one is looked at', async () => {
    const address = freshAddress();
    await seed(address, 140);
    const pages = await burst(20, address);
    expect([withStatus(pages, 422).length, withStatus(pages, 429).length]).to.deep.equal([1, 19]);
    await pair.advance('61s');
    const again = await burst(20, address);
    expect([withStatus(again, 422).length, withStatus(again, 429).length]).to.deep.equal([1, 19]);
  });
});

describe('credential stuffing by the clock', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse();
  });
  after(() => gatehouse.stop());

  const setClock = (at: number) => {
    moveTestClock(0);
    moveTestClock(at - now());
  };
  const run = async (name: (index: number) => string, userAgent: (index: number) => string) => {
    const address = freshAddress();
    const began = now();
    let looked = 0;
    for (let index = 0; index < 5_000; index += 1) {
      setClock(began + (index * WINDOW) / 5_000);
      const requester = visitorAt(address, userAgent(index));
      const identifier = `${name(index)}@${address}`;
      if (await fail(await gatehouse.core.limits.reserveSignIn(identifier, requester))) looked += 1;
    }
    await gatehouse.advance('15m');
    return looked;
  };
  const RUNS = {
    'of one User-Agent': { name: (i: number) => `n${i}`, userAgent: () => 'Stuffer/1.0' },
    'each with a User-Agent of its own': {
      name: (i: number) => `n${i}`,
      userAgent: (i: number) => `Stuffer/${i}`,
    },
    'each five times': { name: (i: number) => `n${i % 1_000}`, userAgent: () => 'Stuffer/1.0' },
  };
  for (const [title, { name, userAgent }] of Object.entries(RUNS)) {
    it(`five thousand in a quarter of an hour, ${title}: at most 150 are looked at`, async () => {
      expect(await run(name, userAgent)).to.be.within(90, 150);
    }).timeout(60_000);
  }

  describe('an office of sixty behind one address, two typing errors each', () => {
    interface Colleague {
      readonly email: string;
      readonly id: string;
      /** When they try next. */
      at: number;
      errors: number;
      isIn: boolean;
    }
    const people: Array<{ email: string; id: string }> = [];
    before(async () => {
      while (people.length < 60) people.push(await createPerson(gatehouse));
    });

    /** They come within `arrival` ms, wait as they are told, and type for up to `typing` ms. */
    const morning = async (arrival: number, typing: number) => {
      const { limits, store: database } = gatehouse.core;
      const requester = visitorAt(freshAddress(), 'The browser of all/1.0');
      const random = numbers(arrival + typing);
      const began = now();
      const office: Colleague[] = people.map((who) => ({
        ...who,
        at: began + random(arrival),
        errors: 0,
        isIn: false,
      }));
      let longest = 0;
      const wait = (until: number | undefined, at: number) => {
        // In whole seconds, as `Retry-After` tells.
        const seconds = Math.max(0, Math.ceil(((until ?? at) - at) / 1000));
        longest = Math.max(longest, seconds);
        return at + seconds * 1000;
      };
      const attempt = async (who: Colleague) => {
        const ticket = await limits.reserveSignIn(who.email, requester);
        if (ticket.kind === 'limited') {
          who.at = wait(ticket.retryAt, who.at);
        } else if (who.errors < 2) {
          who.errors += 1;
          const { left, retryAt } = await ticket.consume();
          const told = left === 0 ? wait(retryAt, who.at) : who.at;
          who.at = Math.max(told, who.at + random(typing));
        } else {
          await ticket.succeed();
          const { unit } = await limits.finished(who, requester, false);
          await database.write(...unit);
          who.isIn = true;
        }
      };
      for (let tries = 0; tries < 5_000; tries += 1) {
        const left = office.filter(({ isIn }) => !isIn);
        // Whoever comes at the same time comes in any order.
        const first = Math.min(...left.map(({ at }) => at));
        const coming = left.filter(({ at }) => at === first);
        const next = coming[random(coming.length)];
        if (!next) break;
        setClock(next.at);
        await attempt(next);
      }
      const took = Math.max(...office.map(({ at }) => at)) - began;
      const isIn = office.every((each) => each.isIn);
      await gatehouse.advance('15m');
      return { isIn, longest, minutes: took / 60_000 };
    };

    for (const [arrival, typing] of [
      [0, 0],
      [0, 8_000],
    ] as const) {
      it(`is in within five minutes, coming in ${arrival} ms and typing for ${typing}`, async () => {
        const { isIn, longest, minutes } = await morning(arrival, typing);
        expect(isIn).to.equal(true);
        expect(minutes).to.be.below(5);
        expect(longest).to.be.below(60);
      }).timeout(60_000);
    }
  });
});

/** Whole numbers below a bound, the same ones each time. */
function numbers(seed: number): (below: number) => number {
  let state = seed + 1;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
