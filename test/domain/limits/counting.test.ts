// The statement that reserves and the rule that explains it say the same of every counter.
import { expect } from 'chai';
import fc from 'fast-check';
import { loadConfig } from '../../../src/config/load.ts';
import {
  carryOf,
  countOf,
  LOST_AFTER,
  leftOf,
  type Slot,
  standingOf,
  withoutLost,
} from '../../../src/domain/limits/counting.ts';
import { createPolicies, type Policy } from '../../../src/domain/limits/policies.ts';
import { createLog } from '../../../src/lib/log.ts';
import { type Counter, type CounterTable, createCounterTable } from '../../../src/store/limits.ts';
import { migrateUp } from '../../../src/store/migrate.ts';
import { addressOf, openStore } from '../../../src/store/open.ts';
import type { Statement } from '../../../src/store/statement.ts';
import type { Store } from '../../../src/store/store.ts';
import { environment } from '../../support/gatehouse.ts';
import { onBothStores, type TestDatabase } from '../../support/stores.ts';

const SMALL = createPolicies({
  sign_in: { failures: 3, window: 10, lockout_after: 4, lockout_every: 2, lockout: 20, quiet: 60 },
  pace: { first: 1, longest: 5, doubles_every: 2 },
  fingerprint: { failures: 3, window: 10 },
  range: { failures: 4, window: 10, ipv4: 24, ipv6: 64 },
  slowdown: { failures: 3, window: 40, first: 1, longest: 6 },
  known_browsers: { per_account: 2, lifetime: 100, codes: 2 },
  codes: { failures: 4, window: 10, ceiling: 6, consecutive: 6 },
  password_changes: { attempts: 3, window: 10 },
  mails: { requests: 3, per_range: 5, window: 10 },
  texts: { pause: 2, requests: 3, window: 10, per_number: 4, number_window: 20 },
  links: { failures: 3, window: 10 },
  client_secrets: { failures: 3, window: 10 },
  user_codes: { failures: 3, window: 10 },
  open_requests: { requests: 3, window: 10 },
});

const DEFAULTS = createPolicies(loadConfig({ NODE_ENV: 'test' }).limits);
const WINDOW = 900_000;

interface Step {
  readonly wait: number;
  readonly next: 'fail' | 'giveBack' | 'nothing';
  /** Its name has failed under the counter before. */
  readonly isReturning: boolean;
}
const steps = fc.array(
  fc.record({
    wait: fc.constantFrom(1, 500, 1_000, 2_500, 9_999, 10_000, 20_000, 60_000),
    next: fc.constantFrom('fail', 'fail', 'giveBack', 'nothing') as fc.Arbitrary<Step['next']>,
    isReturning: fc.boolean(),
  }),
  { maxLength: 30 },
);

onBothStores('counting', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let counterTable: CounterTable;
  let round = 0;

  before(async () => {
    database = await kind.create();
    const config = loadConfig(environment(database, 3000));
    await migrateUp(addressOf(config));
    store = openStore(config, createLog('silent'));
    counterTable = createCounterTable(store);
  });
  after(async () => {
    await store.close();
    database.remove();
  });

  const found = async (key: string) => (await counterTable.find([key])).get(key);

  /** As an attempt is reserved: where a window is over, what it leaves first. */
  const reserving = async (slot: Slot, at: number, isReturning = false): Promise<Statement[]> => {
    const carry = carryOf(slot, await found(slot.key), at);
    const count = countOf(slot, at, isReturning);
    return [...(carry ? [counterTable.carryOver(carry)] : []), counterTable.reserve(count)];
  };

  const walk = async (slot: Slot, walked: readonly Step[]) => {
    let at = 1_000_000;
    for (const { wait, next, isReturning } of walked) {
      at += wait;
      const before = await found(slot.key);
      const standing = standingOf(before, slot.policy, at, isReturning);
      const outcome = await store.commit(await reserving(slot, at, isReturning));
      expect(outcome.kind === 'committed').to.equal(standing.kind === 'open');
      if (outcome.kind === 'conflict') expect(await found(slot.key)).to.deep.equal(before);
      else if (next !== 'nothing') await store.write(counterTable[next](slot.key, at));
    }
  };

  for (const [title, policy] of Object.entries<Policy>(SMALL)) {
    it(`${title}: reserved if, and only if, the rule says that it is open`, () =>
      fc.assert(
        fc.asyncProperty(steps, async (walked) => {
          round += 1;
          await walk({ key: `slot-${round}`, subject: undefined, policy }, walked);
        }),
        { numRuns: 15 },
      ));
  }

  it('what is left is how often it can fail until it closes', async () => {
    for (const policy of [SMALL.identifier, SMALL.lockout, SMALL.slowdown, SMALL.codesInARow]) {
      const slot = { key: `left-${policy.rule}`, subject: undefined, policy };
      const lefts: number[] = [];
      for (let at = 1_000; at < 1_010; at += 1) {
        const left = leftOf(await found(slot.key), policy, at);
        lefts.push(left);
        if (left === 0) break;
        await store.write(counterTable.reserve(countOf(slot, at)));
        await store.write(counterTable.fail(slot.key, at));
      }
      expect(lefts).to.deep.equal(lefts.map((_, index) => (lefts[0] ?? 0) - index));
      expect(lefts.at(-1)).to.equal(0);
    }
  });

  it('what was reserved before the count began anew touches it no more', async () => {
    const slot = { key: 'late', subject: undefined, policy: SMALL.identifier };
    await store.write(counterTable.reserve(countOf(slot, 1_000)));
    await store.write(counterTable.reserve(countOf(slot, 20_000)));
    await store.write(counterTable.giveBack(slot.key, 1_000), counterTable.fail(slot.key, 1_000));
    expect(await found(slot.key)).to.include({ failures: 1, pending: 1, startedAt: 20_000 });
  });

  it('attempts side by side are settled, in whatever order they were counted', async () => {
    const slot = { key: 'crossed', subject: undefined, policy: SMALL.codes };
    for (const at of [1_002, 1_000, 1_001])
      await store.write(counterTable.reserve(countOf(slot, at)));
    await store.write(counterTable.fail(slot.key, 1_000), counterTable.giveBack(slot.key, 1_001));
    expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
  });

  it('what a dead process left in flight is given back, and what failed before it stays', async () => {
    for (const policy of [SMALL.identifier, SMALL.codes, SMALL.codesInARow]) {
      const slot = { key: `dead-${policy.rule}`, subject: undefined, policy };
      await store.write(
        counterTable.reserve(countOf(slot, 1_000)),
        counterTable.fail(slot.key, 1_000),
      );
      await store.write(counterTable.reserve(countOf(slot, 1_001)));
      await store.write(counterTable.reserve(countOf(slot, 1_002)));
      const before = 1_002 + LOST_AFTER - 1;
      expect(withoutLost((await found(slot.key)) as Counter, policy, before).failures).to.equal(3);
      // Windows of this test are shorter than that; those of people are not.
      const wide = { ...slot, policy: { ...policy, restart: { kind: 'never' as const } } };
      const after = before + 1;
      expect(withoutLost((await found(slot.key)) as Counter, policy, after).failures).to.equal(1);
      await store.write(counterTable.reserve(countOf(wide, after)));
      expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
    }
  });

  it('a limit that dead processes have filled is open again', async () => {
    const policy = { ...SMALL.codes, restart: { kind: 'window' as const, length: WINDOW } };
    const slot = { key: 'dead-and-full', subject: undefined, policy };
    let at = 1_000;
    while ((await store.commit([counterTable.reserve(countOf(slot, at))])).kind === 'committed')
      at += 1;
    expect(standingOf(await found(slot.key), policy, at + 10).kind).to.equal('closed');
    at += LOST_AFTER;
    expect(standingOf(await found(slot.key), policy, at)).to.deep.equal({ kind: 'open' });
    await store.write(counterTable.reserve(countOf(slot, at)));
    expect(await found(slot.key)).to.include({ failures: 1, pending: 1 });
  });

  it('a lock does not last as long as a clock was set back', async () => {
    const jump = 3_600_000;
    for (const policy of [SMALL.identifier, SMALL.lockout, SMALL.fingerprint]) {
      const slot = { key: `jump-${policy.rule}`, subject: undefined, policy };
      let at = 10 * jump;
      while ((await store.commit(await reserving(slot, at))).kind === 'committed') {
        await store.write(counterTable.fail(slot.key, at));
        at += 1;
      }
      expect(standingOf(await found(slot.key), policy, at).kind).to.equal('closed');
      at -= jump;
      expect(standingOf(await found(slot.key), policy, at)).to.deep.equal({ kind: 'open' });
      await store.write(...(await reserving(slot, at)));
    }
    // What only an operator opens stays closed.
    const slot = { key: 'jump-never', subject: undefined, policy: SMALL.codesInARow };
    let at = 10 * jump;
    while ((await store.commit([counterTable.reserve(countOf(slot, at))])).kind === 'committed') {
      await store.write(counterTable.fail(slot.key, at));
      at += 1;
    }
    expect(standingOf(await found(slot.key), slot.policy, at - jump).kind).to.equal('closed');
    const again = await store.commit([counterTable.reserve(countOf(slot, at - jump))]);
    expect(again.kind).to.equal('conflict');
  });

  describe('a pace', () => {
    const { fingerprint: policy, fingerprintShare } = SMALL;
    const slotOf = (key: string): Slot => ({ key, subject: undefined, policy });
    /** Fails whenever it may until then. @returns how often */
    const failUntil = async (slot: Slot, from: number, until: number) => {
      let times = 0;
      for (
        let at = from;
        at < until;
        at = Math.max(at + 1, (await found(slot.key))?.pausedUntil ?? 0)
      ) {
        if ((await store.commit(await reserving(slot, at))).kind === 'conflict') continue;
        await store.write(counterTable.fail(slot.key, at));
        times += 1;
      }
      return times;
    };

    it('doubles with each further step, and ends at the longest pause', async () => {
      const slot = slotOf('doubling');
      const pauses: number[] = [];
      for (let at = 0; pauses.length < 8; at = (await found(slot.key))?.pausedUntil || at + 1) {
        await store.write(...(await reserving(slot, at)), counterTable.fail(slot.key, at));
        pauses.push(Math.max(0, ((await found(slot.key))?.pausedUntil ?? 0) - at));
      }
      expect(pauses).to.deep.equal([0, 0, 1, 1, 2, 2, 4, 4].map((each) => each * 1_000));
    });

    it('is kept up over windows by whoever goes on, and forgotten by whoever does not', async () => {
      const slot = { ...slotOf('lasting'), policy: DEFAULTS.fingerprint };
      const windows: number[] = [];
      for (let window = 0; window < 5; window += 1) {
        windows.push(await failUntil(slot, window * WINDOW, (window + 1) * WINDOW));
      }
      // 20 at once, then one in 2, 4, 8, 16 and 32 seconds, and from there on one a minute.
      expect(windows).to.deep.equal([109, 20, 15, 15, 15]);
      // Each quiet window forgets twenty.
      const later = (5 + 8) * WINDOW;
      expect(await failUntil(slot, later, later + 1_000)).to.equal(20);
    });

    it('is no matter of a few failures in each window', async () => {
      const slot = slotOf('a few');
      for (let at = 0; at < 100_000; at += 5_000) {
        await store.write(...(await reserving(slot, at)), counterTable.fail(slot.key, at));
        expect((await found(slot.key))?.pausedUntil).to.equal(0);
      }
    });

    it('takes back what one name has added, once, and nothing of what is in flight', async () => {
      const slot = slotOf('whole');
      const share = (name: string) => ({
        key: `share-${name}`,
        subject: undefined,
        policy: fingerprintShare,
        shareOf: slot.key,
      });
      const reserve = async (name: string, at: number) =>
        store.write(...(await reserving(share(name), at)), ...(await reserving(slot, at)));
      const fail = (name: string, at: number) =>
        store.write(...[share(name), slot].map(({ key }) => counterTable.fail(key, at)));
      await reserve('mine', 1_000);
      await fail('mine', 1_000);
      await reserve('theirs', 2_000);
      await fail('theirs', 2_000);
      await reserve('mine', 3_000);
      const back = () => store.write(...counterTable.takeBack(share('mine').key, slot.key));
      await back();
      expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
      await back();
      expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
      await store.write(
        ...[share('mine'), slot].map(({ key }) => counterTable.giveBack(key, 3_000)),
      );
      expect(await found(slot.key)).to.include({ failures: 1, pending: 0 });
    });

    it('takes back nothing from a window that began after the share', async () => {
      const slot = slotOf('newer');
      const share = { ...slotOf('share-newer'), policy: fingerprintShare, shareOf: slot.key };
      for (const each of [share, slot]) await store.write(...(await reserving(each, 1_000)));
      await store.write(...(await reserving(slot, 20_000)), counterTable.fail(slot.key, 20_000));
      await store.write(...counterTable.takeBack(share.key, slot.key));
      expect(await found(slot.key)).to.include({ failures: 1 });
      // The next failure of that name begins a share of the new window.
      for (const each of [share, slot]) {
        await store.write(...(await reserving(each, 21_000)), counterTable.fail(each.key, 21_000));
      }
      await store.write(...counterTable.takeBack(share.key, slot.key));
      expect(await found(slot.key)).to.include({ failures: 1 });
    });
  });
});
