// npm run bench: Gatehouse beside a bare oidc-provider, in one run, turn by turn.
import { writeFileSync } from 'node:fs';
import { once } from './load.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { describeMachine, number, report, updatePage } from './report.ts';
import type { Server, ServerName } from './requests.ts';
import { aims, type Results } from './results.ts';
import { measureHashes, startBare, startGatehouse, stopDatabase } from './servers.ts';
import { AT_ONCE, PEOPLE, type Person } from './setup.ts';
import { signIn } from './sign-in.ts';
import type { Subject, Workload } from './workloads.ts';

type Subjects = Readonly<Record<ServerName, Subject>>;
/** Results that still grow. */
interface Growing extends Results {
  readonly rows: Record<string, Array<Results['rows'][string][number]>>;
  readonly hashRates: number[];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const options = readArguments();
if (options) await main(options);

function readArguments(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function main({ plan, workloads, store, json, profile, whole }: Options): Promise<void> {
  const machine = describeMachine();
  const results: Growing = { rows: {}, hashRates: [] };
  try {
    for (let round = 1; round <= plan.rounds; round += 1) {
      say(`round ${round} of ${plan.rounds}`);
      await runRound(results, { plan, workloads, store, profile }, round);
    }
  } finally {
    await stopDatabase(store);
  }
  const text = report(results, machine, store);
  console.log(text);
  if (json)
    writeFileSync(json, `${JSON.stringify({ machine, store, plan, ...results }, null, 2)}\n`);
  if (whole) updatePage(text, store);
  if (aims(results, store).some(({ verdict }) => verdict === 'FAIL')) process.exitCode = 1;
}

type RoundOptions = Pick<Options, 'plan' | 'workloads' | 'store' | 'profile'>;

/** Both servers stand all the time; only one of them is asked. */
async function runRound(results: Growing, options: RoundOptions, round: number): Promise<void> {
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
      if (workload.name === 'sign-in') {
        results.hashRates.push(await measureHashes(options.plan.hashSeconds));
      }
      await runPair(results, workload, { subjects, order, plan: options.plan });
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

interface Pair {
  readonly subjects: Subjects;
  readonly order: readonly ServerName[];
  readonly plan: Options['plan'];
}

async function runPair(results: Growing, workload: Workload, pair: Pair): Promise<void> {
  const { subjects, order, plan } = pair;
  const measured = new Map<ServerName, Awaited<ReturnType<Workload['run']>>>();
  for (const name of order) measured.set(name, await workload.run(subjects[name], plan));
  const bare = measured.get('bare') ?? {};
  const gatehouse = measured.get('gatehouse') ?? {};
  for (const [row, figures] of Object.entries(bare)) {
    const other = gatehouse[row];
    if (!other) continue;
    results.rows[row] ??= [];
    results.rows[row].push({ bare: figures, gatehouse: other });
    say(`  ${row.padEnd(14)} bare ${number(figures.rate)}/s, Gatehouse ${number(other.rate)}/s`);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
