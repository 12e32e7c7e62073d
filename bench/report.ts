// The figures as Markdown: what is printed, and what stands in docs/performance.md.
import { readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../src/lib/root.ts';
import { SERVERS, type ServerName } from './requests.ts';
import {
  aims,
  fastest,
  leftInStorm,
  median,
  type Results,
  rateOf,
  ratio,
  rowNames,
  type Spread,
  shareOfHashes,
  spread,
} from './results.ts';
import type { StoreName } from './setup.ts';
import { TITLES } from './workloads.ts';

export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly node: string;
  /** ISO 8601, the day only. */
  readonly date: string;
  /** What ran beside the benchmark when it began: the load average of one minute. */
  readonly load: number;
  /** The database stands in memory, so that commits cost nothing. */
  readonly inMemory: boolean;
}

const TMPFS = 0x01021994;

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    model: cpus()[0]?.model.trim() ?? 'unknown',
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
    load: loadavg()[0] ?? 0,
    inMemory: statfsSync(tmpdir()).type === TMPFS,
  };
}

export function report(results: Results, machine: Machine, store: StoreName): string {
  const parts = [
    rates(results),
    shares(results),
    aimTable(results, store),
    machineLine(machine, store),
    generatorLine(results),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function rates(results: Results): string {
  const lines = rowNames(results).map((row) => [
    TITLES[row] ?? row,
    number(median(results, row, 'bare', rateOf)),
    number(median(results, row, 'gatehouse', rateOf)),
    spreadText(ratio(results, row)),
    cpuTimes(results, row),
    latencies(results, row, 'bare'),
    latencies(results, row, 'gatehouse'),
  ]);
  const head = [
    'workload',
    'bare /s',
    'Gatehouse /s',
    'ratio (min – max)',
    'CPU ms each: bare, Gatehouse',
    'bare p50 / p99 ms',
    'Gatehouse p50 / p99 ms',
  ];
  return table(head, lines);
}

function cpuTimes(results: Results, row: string): string {
  const [bare, gatehouse] = SERVERS.map((server) => median(results, row, server, ({ cpu }) => cpu));
  if (!bare || !gatehouse) return '–';
  return `${number(bare)}, ${number(gatehouse)}`;
}

function latencies(results: Results, row: string, server: ServerName): string {
  const p50 = median(results, row, server, (figures) => figures.p50);
  const p99 = median(results, row, server, (figures) => figures.p99);
  return `${number(p50)} / ${number(p99)}`;
}

function shares(results: Results): string {
  const lines: string[][] = [];
  const add = (title: string, of: (server: ServerName) => string) =>
    lines.push([title, of('bare'), of('gatehouse')]);
  if (results.rows['sign-in']) {
    const rate = number(spread(results.hashes.map((each) => each.rate)).median);
    const cpu = number(spread(results.hashes.map((each) => each.cpu)).median);
    add(`whole sign-ins ÷ argon2id hashes (${rate} /s, CPU ${cpu} ms each)`, (server) =>
      spreadText(shareOfHashes(results, server)),
    );
  }
  if (results.rows['storm-tokens']) {
    add('token rate in the storm ÷ before it', (server) =>
      spreadText(leftInStorm(results, server)),
    );
    add('p99 of the tokens, before → in the storm, ms', (server) =>
      ['storm-before', 'storm-tokens']
        .map((row) => number(median(results, row, server, ({ p99 }) => p99)))
        .join(' → '),
    );
  }
  return lines.length === 0 ? '' : table(['share', 'bare', 'Gatehouse'], lines);
}

function aimTable(results: Results, store: StoreName): string {
  const found = aims(results, store);
  if (found.length === 0) return '';
  const lines = found.map(({ title, aim, measured, verdict }) => [
    title,
    number(aim),
    spreadText(measured),
    verdict,
  ]);
  return table(['aim', 'wanted', 'measured', ''], lines);
}

function machineLine(machine: Machine, store: StoreName): string {
  const { cores, model, node, date, load, inMemory } = machine;
  const kind =
    store === 'sqlite' ? 'SQLite, synchronous=FULL' : 'PostgreSQL of the tests, fsync off';
  const notes = [
    load > cores / 2 ? ` The machine was busy when it began (load ${load.toFixed(1)}).` : '',
    inMemory ? ' The database stood in memory: set TMPDIR to a folder on a disk.' : '',
  ];
  return `${date}, Node ${node}, ${cores} cores (${model}), ${kind}.${notes.join('')}`;
}

function generatorLine(results: Results): string {
  const found = fastest(results);
  if (!found) return '';
  const { row, rate, room } = found;
  const so = room < 3 ? ': too little, so that figure is a lower bound' : '';
  return (
    `The generator has room for ${room.toFixed(1)} × the fastest figure ` +
    `(${TITLES[row]}, ${number(rate)} /s)${so}.`
  );
}

export function spreadText({ median: middle, min, max }: Spread): string {
  if (min === max) return middle.toFixed(2);
  return `${middle.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`;
}

/** As many digits as mean something. */
export function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}

function table(head: readonly string[], lines: ReadonlyArray<readonly string[]>): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [row(head), rule, ...lines.map(row)].join('\n');
}

const PAGE = join(PROJECT_ROOT, 'docs/performance.md');

/** Puts the report between the two marks of its store, where the page has them. */
export function updatePage(text: string, store: StoreName): void {
  const page = readFileSync(PAGE, 'utf8');
  const from = `<!-- bench ${store} -->`;
  const to = `<!-- /bench ${store} -->`;
  const [before, rest] = page.split(from);
  const after = rest?.split(to)[1];
  if (before === undefined || after === undefined) return;
  writeFileSync(PAGE, `${before}${from}\n\n${text}\n\n${to}${after}`);
}
