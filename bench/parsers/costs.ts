// The worst text of each door, and the CPU time that it costs more than a short one.
import type { Ask } from './ask.ts';
import type { Door } from './doors.ts';

const KB = 1024;
/** As much as is let through, and less: some is refused for its length, oidc-provider takes 56 KB. */
const SIZES = { head: [4, 8, 15], body: [4, 16, 32, 55, 63] } as const;
/** Milliseconds that 16 KB, or less, may cost beyond what a short text costs. */
const MOST = 5;
const TIMES = 5;
/** Where it seems too much: what else the machine does only adds. */
const TIMES_AGAIN = 25;

interface Row {
  readonly door: Door;
  readonly shape: string;
  /** Milliseconds, by size. */
  readonly costs: readonly number[];
}

/** @returns whether nothing costs too much */
export async function showCosts(ask: Ask, doors: readonly Door[]): Promise<boolean> {
  // Compiled before it is measured.
  for (const door of doors) await cost(ask, door, 'x', 3);
  let isWell = true;
  console.log('| where | worst text | KB | ms | ms per 16 KB |\n|---|---|---|---|---|');
  for (const door of doors) {
    const row = await worst(ask, door);
    isWell &&= perBlock(row) <= MOST;
    console.log(line(row));
  }
  return isWell;
}

async function worst(ask: Ask, door: Door): Promise<Row> {
  const sizes = SIZES[door.kind];
  const found: Array<readonly [name: string, rate: number]> = [];
  for (const [name, shape] of Object.entries(door.shapes)) {
    const rates: number[] = [];
    for (const size of sizes) rates.push(rateOf(size, await cost(ask, door, shape(size * KB), 1)));
    found.push([name, Math.max(...rates)]);
  }
  found.sort(([, one], [, other]) => other - one);
  const rows: Row[] = [];
  for (const [name] of found.slice(0, 4)) rows.push(await measure(ask, door, name, TIMES));
  const row = rows.reduce((one, other) => (perBlock(other) > perBlock(one) ? other : one));
  return perBlock(row) > MOST ? measure(ask, door, row.shape, TIMES_AGAIN) : row;
}

async function measure(ask: Ask, door: Door, shape: string, times: number): Promise<Row> {
  const short = await cost(ask, door, 'x', times);
  const costs: number[] = [];
  for (const size of SIZES[door.kind]) {
    const text = door.shapes[shape]?.(size * KB) ?? '';
    costs.push(Math.max(0, (await cost(ask, door, text, times)) - short));
  }
  return { door, shape, costs };
}

/** The least of several. */
async function cost(ask: Ask, door: Door, text: string, times: number): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let n = 0; n < times; n += 1) least = Math.min(least, (await ask(door.ask(text))).busy);
  return least;
}

function rateOf(size: number, milliseconds: number): number {
  return milliseconds / Math.max(1, size / 16);
}

function perBlock({ door, costs }: Row): number {
  const sizes = SIZES[door.kind];
  return Math.max(...costs.map((each, index) => rateOf(sizes[index] ?? 16, each)));
}

function line(row: Row): string {
  const { door, shape, costs } = row;
  const rate = perBlock(row);
  const figures = costs.map((each) => each.toFixed(2)).join(' / ');
  const sign = rate > MOST ? ' **too much**' : '';
  const cells = [door.name, shape, SIZES[door.kind].join(' / '), figures, rate.toFixed(2) + sign];
  return `| ${cells.join(' | ')} |`;
}
