// Attempts that wait for others: hardly anybody asks the database meanwhile, and the limit holds.
import { expect } from 'chai';
import { loadConfig } from '../../../src/config/load.ts';
import type { Reservation } from '../../../src/domain/limits/attempt.ts';
import { OVERDUE_AFTER } from '../../../src/domain/limits/counting.ts';
import {
  createLimits,
  type Limits,
  type ReserveOutcome,
} from '../../../src/domain/limits/limits.ts';
import { createLog } from '../../../src/lib/log.ts';
import { createVault } from '../../../src/lib/vault.ts';
import { type CounterTable, createCounterTable } from '../../../src/store/limits.ts';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { environment } from '../../support/gatehouse.ts';
import { onBothStores, type TestDatabase } from '../../support/stores.ts';

const LIMIT = 5;
const MANY = 200;
const ranges = { made: 0 };

/** In a range of its own. */
function stranger() {
  ranges.made += 1;
  const devices = new Map<string, string>();
  return { address: `10.9.${ranges.made}.7`, userAgent: 'Test/1.0', browser: undefined, devices };
}

onBothStores('attempts that wait', (kind) => {
  let database: TestDatabase;
  let store: Store;
  /** As of two processes: each has its own memory. */
  let limits: readonly [Limits, Limits];
  let limitsOver: (over: Store) => Limits;
  let finds = 0;

  before(async () => {
    database = await kind.createMigrated();
    const config = loadConfig(environment(database, 3000));
    store = openStore(config, createLog('silent'));
    const counterTable = createCounterTable(store);
    const counted: CounterTable = {
      ...counterTable,
      find: (keys) => {
        finds += 1;
        return counterTable.find(keys);
      },
    };
    const vault = createVault('a-master-key-of-more-than-32-characters');
    const knownBrowsers = { find: async () => undefined } as never;
    const needs = { config: config.limits, counterTable: counted, knownBrowsers, vault };
    limitsOver = (over) => createLimits({ ...needs, store: over });
    limits = [limitsOver(store), limitsOver(store)];
  });
  after(async () => {
    await store.close();
    database.remove();
  });
  beforeEach(() => {
    finds = 0;
  });

  /** Notes what becomes of each, in the order in which it does. */
  const flood = (name: string, count: number) => {
    const requester = stranger();
    const tickets: Array<{ number: number; ticket: ReserveOutcome | 'busy' }> = [];
    const all = Array.from({ length: count }, (_, number) =>
      limits[(number % 2) as 0 | 1].reserveSignIn(name, requester).then(
        (ticket) => void tickets.push({ number, ticket }),
        () => void tickets.push({ number, ticket: 'busy' }),
      ),
    );
    const reserved = () =>
      tickets.flatMap(({ number, ticket }) =>
        ticket !== 'busy' && ticket.kind === 'reserved' ? [{ number, ticket }] : [],
      );
    return { requester, tickets, all: Promise.all(all), reserved };
  };

  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  it(`${MANY} of one name: while ${LIMIT} are looked at, one in each process asks now and then`, async () => {
    const { all, reserved, tickets } = flood('one-name@example.com', MANY);
    await until(() => reserved().length === LIMIT);
    const before = finds;
    await new Promise((resolve) => setTimeout(resolve, 300));
    // 25, 50, 100 and 200 ms after each other, in two processes: never one for each who waits.
    expect(finds - before).to.be.at.most(12);
    for (const { ticket } of reserved()) await ticket.consume();
    await all;
    expect(reserved(), 'evaluated').to.have.length(LIMIT);
    const rest = tickets.flatMap(({ ticket }) => (ticket === 'busy' ? ['busy'] : [ticket.kind]));
    expect(rest.filter((what) => what === 'limited')).to.have.length(MANY - LIMIT);
    // What one has read is the answer to all who wait for the same.
    expect(finds).to.be.at.most(60);
  });

  it('right ones pass in the order of arrival, and the limit is never exceeded', async () => {
    const count = 40;
    const { all, reserved, tickets } = flood('right@example.com', count);
    let settle = 0;
    let most = 0;
    while (settle < count) {
      await until(() => reserved().length > settle);
      most = Math.max(most, reserved().length - settle);
      const { ticket } = reserved()[settle] as { ticket: Reservation };
      settle += 1;
      await ticket.succeed();
    }
    await all;
    expect(most).to.be.at.most(LIMIT);
    for (const process of [0, 1]) {
      const order = tickets.map(({ number }) => number).filter((each) => each % 2 === process);
      expect(order, `process ${process}`).to.deep.equal(order.toSorted((a, b) => a - b));
    }
  });

  it('a right one behind wrong ones is looked at as long as the limit is not reached', async () => {
    const { all, reserved } = flood('mixed@example.com', LIMIT + 1);
    await until(() => reserved().length === LIMIT);
    const [first, ...others] = reserved();
    for (const { ticket } of others) await ticket.consume();
    await first?.ticket.succeed();
    await all;
    expect(reserved()).to.have.length(LIMIT + 1);
    await reserved().at(-1)?.ticket.succeed();
  });

  const counted = () => store.all(store.compile(store.sql('limit_counters').orderBy('key')));

  it('what was long in the making is overdue, however soon it is looked at', async () => {
    const { now } = performance;
    let passed = 0;
    performance.now = () => now.call(performance) + passed;
    try {
      const slow: Store['commit'] = async (unit) => {
        const outcome = await store.commit(unit);
        passed += 2 * OVERDUE_AFTER;
        return outcome;
      };
      const ticket = await limitsOver({ ...store, commit: slow }).reserveSignIn('slow', stranger());
      expect(ticket).to.include({ kind: 'reserved' });
      expect(ticket.kind === 'reserved' && ticket.isOverdue()).to.equal(true);
      // What may have been given back is not given back once more.
      const before = await counted();
      if (ticket.kind === 'reserved') await ticket.release();
      expect(await counted()).to.deep.equal(before);
    } finally {
      performance.now = now;
    }
  });
});
