// The statement that reserves and the rule that explains it say the same of every counter.
import { expect } from 'chai';
import fc from 'fast-check';
import { loadConfig } from '../../../src/config/load.ts';
import {
  countOf,
  hasRestarted,
  leftOf,
  type Slot,
  standingOf,
} from '../../../src/domain/limits/counting.ts';
import { createPolicies, type Policy } from '../../../src/domain/limits/policies.ts';
import { createLog } from '../../../src/lib/log.ts';
import { type Counters, createCounters } from '../../../src/store/limits.ts';
import { migrateUp } from '../../../src/store/migrate.ts';
import { addressOf, openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { environment } from '../../support/gatehouse.ts';
import { onBothStores, type TestDatabase } from '../../support/stores.ts';

const SMALL = createPolicies({
  sign_in: { failures: 3, window: 10, lockout_after: 4, lockout_every: 2, lockout: 20, quiet: 60 },
  fingerprint: { failures: 3, window: 10 },
  range: { failures: 4, window: 10, ipv4: 24, ipv6: 64 },
  slowdown: { failures: 3, window: 40, first: 1, longest: 6 },
  known_browsers: { per_account: 2, lifetime: 100, codes: 2 },
  codes: { failures: 4, window: 10, consecutive: 6 },
  password_changes: { attempts: 3, window: 10 },
  mails: { requests: 3, window: 10 },
  texts: { pause: 2, requests: 3, window: 10, per_number: 4, number_window: 20 },
  links: { failures: 3, window: 10 },
  client_secrets: { failures: 3, window: 10 },
  user_codes: { failures: 3, window: 10 },
});

type Step = { readonly wait: number; readonly next: 'fail' | 'giveBack' | 'nothing' };
const steps = fc.array(
  fc.record({
    wait: fc.constantFrom(1, 500, 1_000, 2_500, 9_999, 10_000, 20_000, 60_000),
    next: fc.constantFrom('fail', 'fail', 'giveBack', 'nothing') as fc.Arbitrary<Step['next']>,
  }),
  { maxLength: 30 },
);

onBothStores('counting', (kind) => {
  let database: TestDatabase;
  let store: Store;
  let counters: Counters;
  let round = 0;

  before(async () => {
    database = await kind.create();
    const config = loadConfig(environment(database, 3000));
    await migrateUp(addressOf(config));
    store = openStore(config, createLog('silent'));
    counters = createCounters(store);
  });
  after(async () => {
    await store.close();
    database.remove();
  });

  const found = async (key: string) => (await counters.find([key])).get(key);

  const walk = async (slot: Slot, name: Slot, walked: readonly Step[]) => {
    let at = 1_000_000;
    for (const { wait, next } of walked) {
      at += wait;
      const before = await found(slot.key);
      const named = await found(name.key);
      const isNewName = !named || hasRestarted(named, name.policy, at);
      const standing = standingOf(before, slot.policy, at, isNewName);
      const unit = [name, slot].map((each) => counters.reserve(countOf(each, at, name.key)));
      const outcome = await store.commit(unit);
      expect(outcome.kind === 'committed').to.equal(standing.kind === 'open');
      if (outcome.kind === 'missed') expect(await found(slot.key)).to.deep.equal(before);
      else if (next !== 'nothing')
        await store.write(...[name, slot].map((s) => counters[next](s.key, at)));
    }
  };

  for (const [title, policy] of Object.entries<Policy>(SMALL)) {
    it(`${title}: reserved if, and only if, the rule says that it is open`, () =>
      fc.assert(
        fc.asyncProperty(steps, async (walked) => {
          round += 1;
          const slot = { key: `slot-${round}`, subject: undefined, policy };
          const open = { ...SMALL.codes, limit: 1_000, restart: SMALL.identifier.restart };
          await walk(slot, { ...slot, key: `name-${round}`, policy: open }, walked);
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
        await store.write(counters.reserve(countOf(slot, at, '')));
        await store.write(counters.fail(slot.key, at));
      }
      expect(lefts).to.deep.equal(lefts.map((_, index) => (lefts[0] ?? 0) - index));
      expect(lefts.at(-1)).to.equal(0);
    }
  });

  it('what was reserved before the count began anew touches it no more', async () => {
    const slot = { key: 'late', subject: undefined, policy: SMALL.identifier };
    await store.write(counters.reserve(countOf(slot, 1_000, '')));
    await store.write(counters.reserve(countOf(slot, 20_000, '')));
    await store.write(counters.giveBack(slot.key, 1_000), counters.fail(slot.key, 1_000));
    expect(await found(slot.key)).to.include({ failures: 1, pending: 1, startedAt: 20_000 });
  });

  it('attempts side by side are settled, in whatever order they were counted', async () => {
    const slot = { key: 'crossed', subject: undefined, policy: SMALL.codes };
    for (const at of [1_002, 1_000, 1_001])
      await store.write(counters.reserve(countOf(slot, at, '')));
    await store.write(counters.fail(slot.key, 1_000), counters.giveBack(slot.key, 1_001));
    expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
  });

  it('what a dead process left in flight counts as failed', async () => {
    const slot = { key: 'dead', subject: undefined, policy: SMALL.codesInARow };
    await store.write(counters.reserve(countOf(slot, 1_000, '')));
    await store.write(counters.reserve(countOf(slot, 40_000, '')));
    expect(await found(slot.key)).to.include({ failures: 2, pending: 1 });
  });
});
