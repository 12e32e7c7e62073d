// gatehouse keys …: the keys that sign tokens.
import { Command, Option } from 'commander';
import type { Core } from '../app.ts';
import { SIGNING_ALGS, type SigningAlg } from '../config/schema.ts';
import type { Urgency } from '../domain/keys/rotation.ts';
import type { TimedKey } from '../domain/keys/times.ts';
import { toIso } from '../lib/clock.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { withCore } from './core.ts';
import { print, printJson, printTable } from './output.ts';

interface Printing {
  readonly json?: boolean;
}

interface RotateOptions extends Printing {
  readonly alg?: SigningAlg;
  readonly now?: boolean;
  readonly compromised?: boolean;
}

export function keysCommands(): Command {
  const command = new Command('keys').description('list and rotate signing keys');
  command
    .command('list')
    .description('list the signing keys, what each is used for and until when')
    .option('--json', 'print JSON')
    .action((options: Printing) =>
      withCore(async ({ keys }) => show((await keys.list()).map(describe), options)),
    );
  command.addCommand(rotateCommand());
  return command;
}

function rotateCommand(): Command {
  const alg = new Option('--alg <alg>', 'only this algorithm');
  const compromised = new Option(
    '--compromised',
    'the old keys are compromised: use new ones immediately and invalidate everything the old ones signed',
  );
  return new Command('rotate')
    .description(
      'create a new key for each algorithm; it starts signing once relying parties know it',
    )
    .addOption(alg.choices(SIGNING_ALGS))
    .option(
      '--now',
      "start signing in 40 seconds, even if some relying parties haven't loaded it yet",
    )
    .addOption(compromised.conflicts('now'))
    .option('--json', 'print JSON')
    .action((options: RotateOptions) => withCore((core) => rotate(core, options)));
}

async function rotate({ keys }: Core, options: RotateOptions): Promise<void> {
  const rotation = { alg: options.alg, urgency: urgencyOf(options) };
  const made = await keys.rotate(rotation).catch((error: unknown) => {
    throw isGatehouseError(error, 'key_waiting') ? withWayOut(error) : error;
  });
  show(made.map(describe), options);
  if (options.json) return;
  print(
    options.compromised
      ? 'They sign from now on. Everything the old keys signed is invalid.'
      : 'The old keys sign until then, and stay published until everything they signed has expired.',
  );
}

function withWayOut({ code, message }: GatehouseError): GatehouseError {
  return new GatehouseError(code, { message: `${message} Use --now if that is too late.` });
}

function urgencyOf({ now, compromised }: RotateOptions): Urgency {
  if (compromised) return 'compromised';
  return now ? 'now' : 'planned';
}

function describe({ kid, alg, state, ...times }: TimedKey) {
  return {
    kid,
    alg,
    state,
    created_at: toIso(times.createdAt),
    signs_from: toIso(times.signsFrom),
    signs_until: isoOf(times.signsUntil),
    retires_at: isoOf(times.retiredAt ?? times.retiresAt),
  };
}

const isoOf = (time: number | undefined) => (time === undefined ? null : toIso(time));

function show(keys: ReadonlyArray<ReturnType<typeof describe>>, { json }: Printing): void {
  if (json) printJson(keys);
  else printTable(keys);
}
