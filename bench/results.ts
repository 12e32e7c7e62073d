// What was measured, and the few numbers that are made of it.
import type { Figures } from './load.ts';
import { SERVERS, type ServerName } from './requests.ts';
import { TITLES } from './workloads.ts';

/** By the names of TITLES, one entry a round. */
export type Rows = Readonly<Record<string, ReadonlyArray<Readonly<Record<ServerName, Figures>>>>>;

export interface HashRate {
  /** argon2id hashes a second. */
  readonly rate: number;
  /** Milliseconds of CPU time for each. */
  readonly cpu: number;
}

export interface Results {
  readonly rows: Rows;
  /** One entry a round. */
  readonly hashes: readonly HashRate[];
}

/** Over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export type Measure = (figures: Figures) => number;

export const rateOf: Measure = ({ rate }) => rate;

export function rowNames({ rows }: Results): string[] {
  return Object.keys(TITLES).filter((name) => rows[name]);
}

export function each(results: Results, row: string, server: ServerName, measure: Measure) {
  return (results.rows[row] ?? []).map((round) => measure(round[server]));
}

export function median(results: Results, row: string, server: ServerName, measure: Measure) {
  return spread(each(results, row, server, measure)).median;
}

/** Gatehouse ÷ bare, round by round. */
export function ratio(results: Results, row: string): Spread {
  return divide(each(results, row, 'gatehouse', rateOf), each(results, row, 'bare', rateOf));
}

/** What the storm leaves of a server's token rate. */
export function leftInStorm(results: Results, server: ServerName): Spread {
  return divide(
    each(results, 'storm-tokens', server, rateOf),
    each(results, 'storm-before', server, rateOf),
  );
}

/** Whole sign-ins ÷ the hashes that the machine could check in that time. */
export function shareOfHashes(results: Results, server: ServerName): Spread {
  return divide(
    each(results, 'sign-in', server, rateOf),
    results.hashes.map(({ rate }) => rate),
  );
}

export function divide(above: readonly number[], below: readonly number[]): Spread {
  return spread(above.map((value, round) => value / (below[round] ?? Number.NaN)));
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const middle = (sorted.length - 1) / 2;
  const halves = at(Math.floor(middle)) + at(Math.ceil(middle));
  return { median: halves / 2, min: at(0), max: at(sorted.length - 1) };
}

export interface Fastest {
  readonly row: string;
  readonly rate: number;
  /** How many times that rate the generator could have asked. */
  readonly room: number;
}

/** Where the generator was nearest to being the limit. */
export function fastest(results: Results): Fastest | undefined {
  const all = rowNames(results).flatMap((row) =>
    SERVERS.map((server) => ({
      row,
      rate: median(results, row, server, rateOf),
      room: median(results, row, server, ({ rate, capacity }) => capacity / rate),
    })),
  );
  return all.sort((a, b) => b.rate - a.rate)[0];
}

export type Verdict = 'ok' | 'below the aim' | 'FAIL';

export interface Aim {
  readonly title: string;
  readonly aim: number;
  readonly measured: Spread;
  readonly verdict: Verdict;
}

/** The aims of what has been measured. */
export function aims(results: Results, store: string): Aim[] {
  const { rows } = results;
  const found: Aim[] = [];
  if (rows.refresh && store === 'sqlite') {
    found.push(aim('refresh, SQLite ÷ bare', 0.7, ratio(results, 'refresh')));
  }
  if (rows.discovery) found.push(aim('discovery ÷ bare', 2, ratio(results, 'discovery')));
  if (rows['storm-tokens']) {
    found.push(aim('tokens in the storm ÷ before it', 0.4, leftInStorm(results, 'gatehouse')));
  }
  return found;
}

// Machines differ and neighbours disturb: only half of an aim is a failure.
function aim(title: string, wanted: number, measured: Spread): Aim {
  const verdict = measured.median >= wanted ? 'ok' : 'below the aim';
  const failed = !(measured.median >= wanted / 2);
  return { title, aim: wanted, measured, verdict: failed ? 'FAIL' : verdict };
}
