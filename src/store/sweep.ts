// Removes what has expired, in batches so small that nobody waits for them.
import { setTimeout as sleep } from 'node:timers/promises';
import { createLease } from './lease.ts';
import type { Statement } from './statement.ts';
import type { Store } from './store.ts';

const BATCH = 200;
const PAUSE = 20;

/** Table, its key, and how long (ms) a row stays after `expires_at`. */
const EXPIRING: ReadonlyArray<readonly [table: string, key: string, keep: number]> = [
  ['oidc_artifacts', 'key', 60_000],
  ['sessions', 'uid', 60_000],
  // Kept a day, so that a late click still finds its way back to the application.
  ['sign_in_flows', 'id', 86_400_000],
  ['outbox', 'id', 60_000],
  ['limit_counters', 'key', 60_000],
  ['known_browsers', 'id', 60_000],
  ['trusted_devices', 'id', 60_000],
  ['texted_codes', 'id', 60_000],
  ['spent_steps', 'id', 60_000],
  // A ticket may outlive its link.
  ['one_time_links', 'id', 3_600_000],
];

/** How long a sweep that nobody renews keeps others from theirs. */
const TURN = 45_000;
const RENEW_EVERY = 15_000;
const LEASE = 'sweep_until';

/**
 * Sweeps where no process of this database does so, or did a moment ago.
 * @returns how many rows were removed; undefined where it is another's turn
 */
export async function sweepInTurn(
  store: Store,
  at: number,
  signal: AbortSignal,
): Promise<number | undefined> {
  const lease = createLease(store, LEASE, TURN);
  if (!(await lease.take())) return undefined;
  const renewed = setInterval(() => void lease.renew().catch(() => undefined), RENEW_EVERY);
  renewed.unref();
  try {
    return await sweep(store, at, signal);
  } finally {
    clearInterval(renewed);
  }
}

/** @returns how many rows were removed */
export async function sweep(store: Store, at: number, signal?: AbortSignal): Promise<number> {
  await inBatches(store, forgetStaged(store, at), signal);
  let removed = 0;
  for (const [table, key, keep] of EXPIRING) {
    removed += await sweepTable(store, { table, key, before: at - keep }, signal);
  }
  return removed;
}

interface Target {
  readonly table: string;
  readonly key: string;
  readonly before: number;
}

function sweepTable(store: Store, target: Target, signal?: AbortSignal): Promise<number> {
  const { table, key, before } = target;
  const expired = store.sql(table).select(key).where('expires_at', '<=', before).limit(BATCH);
  return inBatches(store, store.compile(store.sql(table).whereIn(key, expired).del()), signal);
}

/** A password that waited for the end of a sign-in is not kept with the row. */
function forgetStaged(store: Store, at: number): Statement {
  const flows = () => store.sql('sign_in_flows');
  const left = flows().select('id').whereNotNull('staged_hash').where('expires_at', '<=', at);
  return store.compile(flows().whereIn('id', left.limit(BATCH)).update({ staged_hash: null }));
}

async function inBatches(
  store: Store,
  statement: Statement,
  signal?: AbortSignal,
): Promise<number> {
  let done = 0;
  while (!signal?.aborted) {
    const count = await store.run(statement);
    done += count;
    if (count < BATCH) break;
    await sleep(PAUSE);
  }
  return done;
}
