// npm run faults: what must survive, under what it must survive.
import { stopPostgres } from '../test/support/postgres.ts';
import { type Result, runExperiment } from './bench.ts';
import { EXPERIMENTS } from './experiments.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { figuresText, report } from './report.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));
const options = readArguments();
if (options?.list) list();
else if (options) await main(options);

function readArguments(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

function list(): void {
  for (const { name, title, stores, takes } of EXPERIMENTS) {
    console.log(`${name.padEnd(24)} ${stores.join(', ').padEnd(17)} ${takes.padEnd(6)} ${title}`);
  }
}

async function main({ experiments, stores, seed, minutes }: Options): Promise<void> {
  const results: Result[] = [];
  try {
    for (const experiment of experiments) {
      for (const store of stores.filter((each) => experiment.stores.includes(each))) {
        const say = (text: string) => console.error(`${experiment.name}, ${store}: ${text}`);
        say(`begins, seed ${seed}`);
        const result = await runExperiment(experiment, { store, seed, minutes, say });
        say(`${result.broken.length === 0 ? 'holds' : 'BROKEN'}: ${figuresText(result.figures)}`);
        for (const line of result.broken) say(line);
        results.push(result);
      }
    }
  } finally {
    await stopPostgres();
  }
  console.log(report(results));
  if (results.some(({ broken }) => broken.length > 0)) process.exitCode = 1;
}
