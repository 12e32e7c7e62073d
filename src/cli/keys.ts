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
  const command = new Command('keys').description('look at the signing keys, and make new ones');
  command
    .command('list')
    .description('list the signing keys (their public side), what each is used for, and until when')
    .option('--json', 'print JSON')
    .action((options: Printing) =>
      withCore(async ({ keys }) => show((await keys.list()).map(describe), options)),
    );
  command.addCommand(rotateCommand());
  return command;
}

function rotateCommand(): Command {
  const alg = new Option('--alg <alg>', 'of this algorithm only');
  const compromised = new Option(
    '--compromised',
    'the old keys are in wrong hands: use the new ones at once, and void all that the old have signed',
  );
  return new Command('rotate')
    .description('make a new key of each algorithm; it signs once relying parties know it')
    .addOption(alg.choices(SIGNING_ALGS))
    .option('--now', 'let it sign in forty seconds, known or not: whoever looks finds it by then')
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
      ? 'They sign from now on. What the old keys have signed is void.'
      : 'The old keys sign until then, and stay published until what they have signed has run out.',
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
