// gatehouse client …: relying parties.
import { Command, Option } from 'commander';
import type { Config } from '../config/schema.ts';
import { describeClient } from '../domain/clients/description.ts';
import { isPlainHttp } from '../domain/clients/redirect-uris.ts';
import { parseDuration } from '../lib/durations.ts';
import { GatehouseError } from '../lib/errors.ts';
import {
  type ClientOptions,
  changeOf,
  metadataOf,
  withCreateOptions,
  withUpdateOptions,
} from './client-options.ts';
import { withCore, withNewCore } from './core.ts';
import { refusedCalls } from './doctor-surroundings.ts';
import { print, printFields, printJson, printTable, warn } from './output.ts';

interface Printing {
  readonly json?: boolean | undefined;
}

export function clientCommands(): Command {
  const command = new Command('client').description(
    'register, change and look up clients (relying parties)',
  );
  command.addCommand(createCommand());
  command
    .command('list')
    .description('list all clients')
    .option('--json', 'print JSON')
    .action(list);
  command
    .command('show <client-id>')
    .description('show one client')
    .option('--json', 'print JSON')
    .action((id: string, options: Printing) =>
      withCore(async ({ clients }) => show(describeClient(await clients.get(id)), options)),
    );
  command.addCommand(updateCommand());
  command.addCommand(rotateCommand());
  for (const each of switchCommands()) command.addCommand(each);
  command
    .command('delete <client-id>')
    .description('delete a client; its tokens stop working immediately')
    .action((id: string) =>
      withCore(async ({ clients }) => {
        await clients.delete(id);
        print(`Deleted ${id}.`);
      }),
    );
  return command;
}

function createCommand(): Command {
  return withCreateOptions(new Command('create'))
    .description('register a client; its secret is shown once')
    .option('--json', 'print JSON')
    .action((options: ClientOptions & Printing) =>
      withNewCore(async ({ clients, config }) => {
        const metadata = metadataOf(options);
        assertSomewhere(metadata);
        const { client, secret } = await clients.create(metadata);
        show({ ...describeClient(client), ...shownOnce(secret) }, options);
        await warnOf(metadata, config);
      }),
    );
}

/** The library would name a member of the registration that nobody has typed. */
function assertSomewhere({ response_types: types, redirect_uris: uris }: Metadata): void {
  if (listOf(types).length === 0 || listOf(uris).length > 0) return;
  throw refusal(
    'An application that signs people in needs --redirect-uri. One without people or a browser needs --grant client_credentials or device_code.',
  );
}

type Metadata = ReturnType<typeof metadataOf>;
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function updateCommand(): Command {
  return withUpdateOptions(new Command('update').argument('<client-id>'))
    .description('change a client; each option replaces the current value')
    .option('--json', 'print JSON')
    .action((id: string, { json, ...options }: ClientOptions & Printing) =>
      withCore(async ({ clients, config }) => {
        if (Object.keys(options).length === 0)
          throw refusal('Nothing to change. See --help for the options.');
        const change = changeOf(options, (await clients.get(id)).metadata);
        const { client, secret } = await clients.update(id, change);
        show({ ...describeClient(client), ...shownOnce(secret) }, { json });
        await warnOf(change, config);
      }),
    );
}

/** What this command has just registered, and what somebody else may make of it, or nobody. */
async function warnOf(metadata: Metadata, config: Config): Promise<void> {
  for (const uri of listOf(metadata.redirect_uris).map(String).filter(isPlainHttp)) {
    warn(`${uri} is not encrypted: anyone on the way can read the code. Use https.`);
  }
  for (const refused of await refusedCalls(metadata, config)) warn(`${refused}.`);
}

interface RotateOptions extends Printing {
  readonly overlap?: string;
  readonly revokeOld?: boolean;
}

function rotateCommand(): Command {
  const overlap = '--overlap <duration>';
  const revoke = new Option(
    '--revoke-old',
    'create no new secret; revoke the older of two immediately',
  );
  return new Command('rotate-secret')
    .argument('<client-id>')
    .description('create a new secret, shown once; the old one keeps working during the overlap')
    .option(
      overlap,
      'how long the old secret keeps working: 90s, 15m, 24h, 7d; 0 revokes it immediately',
    )
    .addOption(revoke.conflicts('overlap'))
    .option('--json', 'print JSON')
    .action((id: string, options: RotateOptions) =>
      options.revokeOld ? revokeOld(id, options) : rotate(id, options),
    );
}

const LONGEST_OVERLAP = 90 * 86_400_000;

function rotate(id: string, { overlap, json }: RotateOptions): Promise<void> {
  return withCore(async ({ clients, config }) => {
    const usual = config.ttl.client_secret_overlap * 1000;
    const length = overlap === undefined ? usual : readOverlap(overlap);
    const { client, secret, ended } = await clients.rotateSecret(id, length);
    show({ ...describeClient(client), ...shownOnce(secret) }, { json });
    if (!json && ended > 0) print(describeEnded(ended));
  });
}

function revokeOld(id: string, { json }: RotateOptions): Promise<void> {
  return withCore(async ({ clients }) => {
    const { client, ended } = await clients.revokeOldSecrets(id);
    show(describeClient(client), { json });
    if (!json) print(describeEnded(ended));
  });
}

function describeEnded(count: number): string {
  const which = count === 1 ? 'One older secret has' : `${count} older secrets have`;
  return `${which} ended now: two live at a time at most.`;
}

function readOverlap(text: string): number {
  const length = text === '0' ? 0 : parseDuration(text);
  if (length !== undefined && length <= LONGEST_OVERLAP) return length;
  throw refusal(`--overlap: "${text}" is no length of time up to 90 days. Try 24h, 7d or 0.`);
}

function refusal(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

function switchCommands(): readonly Command[] {
  const operations = [
    ['disable', 'disable a client; its sign-ins, calls and tokens end immediately'],
    ['enable', 'enable a disabled client'],
  ] as const;
  return operations.map(([name, description]) =>
    new Command(name)
      .argument('<client-id>')
      .description(description)
      .option('--json', 'print JSON')
      .action((id: string, options: Printing) =>
        withCore(async ({ clients }) => show(describeClient(await clients[name](id)), options)),
      ),
  );
}

function shownOnce(secret: string | undefined) {
  return secret === undefined ? {} : { client_secret: secret };
}

function show(client: Record<string, unknown>, { json }: Printing): void {
  if (json) printJson(client);
  else printFields(client);
}

function list({ json }: Printing): Promise<void> {
  return withCore(async ({ clients }) => {
    const described = [];
    for await (const client of clients.list()) described.push(describeClient(client));
    if (json) printJson(described);
    else
      printTable(
        described.map(({ client_id, client_name, status, created_at }) => ({
          client_id,
          client_name,
          status,
          created_at,
        })),
      );
  });
}
