// npm run bench: Gatehouse beside a bare oidc-provider, in one run, turn by turn.
import { writeFileSync } from 'node:fs';
import { type Options, readOptions, USAGE } from './options.ts';
import { describeMachine, report, updatePage } from './report.ts';
import { aims } from './results.ts';
import { type Growing, runRound, say } from './rounds.ts';
import { stopDatabase } from './servers.ts';

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
  const results: Growing = { rows: {}, hashes: [] };
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
