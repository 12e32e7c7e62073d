// The ten that must hold, looked for in the journal and in the database after each experiment.
import type { Entry, Journal } from './journal.ts';
import type { Site } from './site.ts';

/** `invariant 5: …`, one line for each that is broken; empty when all hold. */
export async function findBroken(journal: Journal, sites: readonly Site[]): Promise<string[]> {
  const { entries } = journal;
  const lines = [
    ...usedTwice(entries),
    ...branches(entries),
    ...endedAndUsed(entries),
    ...otherPeople(entries),
    ...wrongStatuses(entries),
    ...slowRecoveries(journal),
    ...sites.flatMap(outputs),
    ...journal.broken,
  ];
  for (const site of sites) lines.push(...(await missingEvents(entries, site)));
  return lines;
}

const SETTLED: ReadonlySet<string> = new Set(['done']);
const succeeded = (entries: readonly Entry[]) =>
  entries.filter(({ outcome }) => SETTLED.has(outcome));

function grouped(entries: readonly Entry[], key: (entry: Entry) => string): Entry[][] {
  return [...Map.groupBy(entries, key).values()];
}

function usedTwice(entries: readonly Entry[]): string[] {
  const once = succeeded(entries).filter((entry) => entry.once && entry.act !== 'refresh');
  return grouped(once, ({ act, subject }) => `${act} ${subject}`)
    .filter((group) => group.length > 1)
    .map(([first, ...rest]) => `invariant 1: ${first?.act} ${first?.subject} ${rest.length + 1} ×`);
}

/** Nothing is brought twice, and nothing is used after it was replaced. */
function branches(entries: readonly Entry[]): string[] {
  const refreshes = succeeded(entries).filter(({ act, once }) => act === 'refresh' && once);
  const twice = grouped(refreshes, ({ subject }) => subject).filter((group) => group.length > 1);
  const brought = succeeded(entries).filter((entry) => entry.brought !== undefined && entry.once);
  const same = grouped(brought, (entry) => String(entry.brought)).filter(
    (group) => group.length > 1,
  );
  return [
    ...twice.map(([first]) => `invariant 2: refresh token ${first?.subject} was replaced twice`),
    ...same.map(([first]) => `invariant 2: refresh token ${first?.brought} was given twice`),
  ];
}

function endedAndUsed(entries: readonly Entry[]): string[] {
  const done = succeeded(entries);
  const ends = done.flatMap((entry) => (entry.ends ?? []).map((key) => ({ key, entry })));
  const begun = byKey(
    entries.filter(({ outcome }) => outcome !== 'refused'),
    ({ begins }) => begins,
  );
  const needing = byKey(done, ({ needs }) => needs);
  return ends.flatMap(({ key, entry: end }) => {
    // What began again, or may have, from an intention that was still open at the end.
    const again = (begun.get(key) ?? []).filter(({ until }) => until >= end.from);
    const allowedFrom = Math.min(...again.map(({ from }) => from), Number.POSITIVE_INFINITY);
    return (needing.get(key) ?? [])
      .filter(({ from, until }) => from > end.until && until < allowedFrom)
      .map(
        ({ act, subject, node }) =>
          `invariant ${ruleOf(key)}: ${act} ${subject} at ${node} succeeded after ${end.act} of ${key}`,
      );
  });
}

/** An hour leaves hundreds of thousands of entries: each key finds its own. */
function byKey(
  entries: readonly Entry[],
  keysOf: (entry: Entry) => readonly string[] | undefined,
): ReadonlyMap<string, readonly Entry[]> {
  const found = new Map<string, Entry[]>();
  for (const entry of entries) {
    for (const key of keysOf(entry) ?? []) {
      const same = found.get(key);
      if (same) same.push(entry);
      else found.set(key, [entry]);
    }
  }
  return found;
}

function ruleOf(key: string): number {
  return key.startsWith('password:') ? 3 : 5;
}

function otherPeople(entries: readonly Entry[]): string[] {
  return succeeded(entries)
    .filter(({ sub, account }) => sub !== undefined && account !== undefined && sub !== account)
    .map(({ act, sub, account }) => `invariant 7: ${act} of ${account} brought a token of ${sub}`);
}

function wrongStatuses(entries: readonly Entry[]): string[] {
  const wrong = entries.filter(
    ({ status = 0, retryAfter }) => status >= 500 && (status !== 503 || retryAfter === undefined),
  );
  return grouped(wrong, ({ act, status }) => `${act} ${status}`).map(
    (group) => `invariant 9: ${group[0]?.act} was answered ${group[0]?.status} ${group.length} ×`,
  );
}

function outputs(site: Site): string[] {
  const lines = site.output().split('\n');
  const bad = lines.filter((line) => /"level":60|unhandled|UnhandledPromise/i.test(line));
  return bad.slice(0, 3).map((line) => `invariant 9: ${line.slice(0, 300)}`);
}

function slowRecoveries({ recoveries }: Journal): string[] {
  // Under ten milliseconds a neighbour on the machine is as long as the request.
  return recoveries
    .filter(({ usual, after, seconds }) => seconds > 30 || after > 2 * Math.max(usual, 50))
    .map((each) => `invariant 10: ${JSON.stringify(each)}`);
}

async function missingEvents(entries: readonly Entry[], { core, nodes }: Site): Promise<string[]> {
  const addresses = new Set(nodes.map(({ url }) => url));
  const wanted = succeeded(entries).filter(
    ({ audit, account, node }) => audit && account && addresses.has(node ?? ''),
  );
  if (wanted.length === 0) return [];
  const { store } = core;
  const query = store
    .sql('audit_events')
    .select('account_id', 'kind')
    .count({ count: '*' })
    .where('outcome', 'ok')
    .groupBy('account_id', 'kind');
  const rows = await store.all(store.compile(query));
  const counts = new Map(rows.map((row) => [`${row.account_id} ${row.kind}`, Number(row.count)]));
  return grouped(wanted, ({ account, audit }) => `${account} ${audit}`)
    .map((group) => ({ key: `${group[0]?.account} ${group[0]?.audit}`, count: group.length }))
    .filter(({ key, count }) => (counts.get(key) ?? 0) < count)
    .map(
      ({ key, count }) =>
        `invariant 8: ${key}: ${count} done, ${counts.get(key) ?? 0} in the audit`,
    );
}

/** Guesses whose answer shows that they were evaluated. */
export function evaluated(entries: readonly Entry[], act: string): number {
  return entries.filter((entry) => entry.act === act && entry.outcome === 'done').length;
}
