// One round: both servers start afresh, and each workload asks them turn by turn.
import { figuresOf, once } from './load.ts';
import type { Options } from './options.ts';
import { number } from './report.ts';
import type { Server, ServerName } from './requests.ts';
import type { HashRate, Results } from './results.ts';
import { measureHashes, startBare, startGatehouse } from './servers.ts';
import { AT_ONCE, PEOPLE, type Person } from './setup.ts';
import { signIn } from './sign-in.ts';
import type { Subject, Workload } from './workloads.ts';

/** Results that still grow. */
export interface Growing extends Results {
  readonly rows: Record<string, Array<Results['rows'][string][number]>>;
  readonly hashes: HashRate[];
}

type Subjects = Readonly<Record<ServerName, Subject>>;
export type RoundOptions = Pick<Options, 'plan' | 'workloads' | 'store' | 'profile'>;

/** Both servers stand all the time; only one of them is asked. */
export async function runRound(
  results: Growing,
  options: RoundOptions,
  round: number,
): Promise<void> {
  const bare = await startBare(options);
  const gatehouse = await startGatehouse(options);
  try {
    const needsTokens = options.workloads.some((workload) => workload.needsTokens);
    const subjects: Subjects = {
      bare: await subjectOf(bare, needsTokens),
      gatehouse: await subjectOf(gatehouse, needsTokens),
    };
    const order: ServerName[] = round % 2 === 1 ? ['bare', 'gatehouse'] : ['gatehouse', 'bare'];
    for (const workload of options.workloads) {
      await runWorkload(results, workload, { subjects, order, plan: options.plan });
    }
  } finally {
    await Promise.all([bare.stop(), gatehouse.stop()]);
  }
}

async function subjectOf(server: Server, needsTokens: boolean): Promise<Subject> {
  if (!needsTokens) return { server, tokens: [] };
  const tokens = await once(server, AT_ONCE, (connection, worker) =>
    signIn(server, connection, PEOPLE[worker] as Person),
  );
  return { server, tokens };
}

interface Turns {
  readonly subjects: Subjects;
  readonly order: readonly ServerName[];
  readonly plan: Options['plan'];
}

async function runWorkload(results: Growing, workload: Workload, turns: Turns): Promise<void> {
  const { subjects, order, plan } = turns;
  const timing = plan[workload.timing];
  const samples: Record<ServerName, Turn[]> = { bare: [], gatehouse: [] };
  const hashes: HashRate[] = [];
  for (const name of timing.practice > 0 ? order : []) {
    await workload.run(subjects[name], { ...timing, seconds: timing.practice });
  }
  for (let turn = 0; turn < timing.turns; turn += 1) {
    if (workload.name === 'sign-in') hashes.push(await measureHashes(plan.hashes));
    for (const name of order) samples[name].push(await workload.run(subjects[name], timing));
  }
  if (hashes.length > 0) results.hashes.push(meanOf(hashes));
  addRows(results, samples);
}

type Turn = Awaited<ReturnType<Workload['run']>>;

function addRows(results: Growing, samples: Record<ServerName, Turn[]>): void {
  for (const row of Object.keys(samples.bare[0] ?? {})) {
    const of = (turns: Turn[]) => figuresOf(turns.flatMap((turn) => turn[row] ?? []));
    const figures = { bare: of(samples.bare), gatehouse: of(samples.gatehouse) };
    results.rows[row] ??= [];
    results.rows[row].push(figures);
    const rates = `bare ${number(figures.bare.rate)}/s, Gatehouse ${number(figures.gatehouse.rate)}/s`;
    say(`  ${row.padEnd(14)} ${rates}`);
  }
}

function meanOf(hashes: readonly HashRate[]): HashRate {
  const mean = (of: (each: HashRate) => number) =>
    hashes.reduce((sum, each) => sum + of(each), 0) / hashes.length;
  return { rate: mean(({ rate }) => rate), cpu: mean(({ cpu }) => cpu) };
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
