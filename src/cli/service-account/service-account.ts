// gatehouse service-account …: machines.
import { Command } from 'commander';
import type { Core } from '../../app.ts';
import { refusal } from '../../service-accounts/refusals.ts';
import type { ServiceAccountUpdate } from '../../service-accounts/service-accounts.ts';
import { withCore, withNewCore } from '../core.ts';
import { print, printFields, printJson } from '../output.ts';
import { showMade } from './made.ts';
import {
  type KeyOptions,
  keyRequest,
  operatorReasonOf,
  type ReasonOptions,
  withKeyOptions,
  withReasonOptions,
} from './options.ts';
import { list, type Printing, show } from './output.ts';

export function serviceAccountCommands(): Command {
  const command = new Command('service-account').description(
    'manage service accounts: machines that get tokens with their own keys',
  );
  command.addCommand(createCommand());
  command
    .command('list')
    .description('list all service accounts')
    .option('--json', 'print JSON')
    .action((options: Printing) => withCore((core) => list(core, options)));
  command
    .command('show <id>')
    .description('show one service account and its keys')
    .option('--json', 'print JSON')
    .action((id: string, options: Printing) =>
      withCore(async (core) => show(core, await core.serviceAccounts.get(id), options)),
    );
  command.addCommand(updateCommand());
  command.addCommand(addKeyCommand());
  command.addCommand(revokeKeyCommand());
  for (const each of operationCommands()) command.addCommand(each);
  command.addCommand(resetTotpCommand());
  return command;
}

interface CreateOptions extends KeyOptions, ReasonOptions, Printing {
  readonly name: string;
  readonly totp?: boolean;
  readonly scope?: string;
  readonly resource?: string[];
  readonly allowAddress?: string[];
}

function createCommand(): Command {
  const command = new Command('create')
    .description('create a service account and its first key; secrets are shown once')
    .requiredOption('--name <name>', 'name shown to operators')
    .option('--totp', 'require a TOTP code with each assertion')
    .option('--scope <scopes>', 'limit it to these scopes')
    .option('--resource <uri...>', "limit it to these resources (default: Gatehouse's own API)")
    .option('--allow-address <range...>', 'limit it to these networks');
  return withReasonOptions(withKeyOptions(command))
    .option('--json', 'print JSON')
    .action((options: CreateOptions) =>
      withNewCore(async (core) => {
        const request = { ...(await keyRequest(options)), ...limitsOf(options) };
        await showMade(core, options, () =>
          core.serviceAccounts.create(request, operatorReasonOf(options)),
        );
      }),
    );
}

function limitsOf({ name, totp, scope, resource, allowAddress }: CreateOptions) {
  return {
    name,
    totp: totp ?? false,
    scopes: words(scope ?? ''),
    resources: resource ?? [],
    addresses: allowAddress ?? [],
  };
}

function addKeyCommand(): Command {
  const command = new Command('add-key')
    .argument('<id>')
    .description('add a key; a private key is shown once');
  return withReasonOptions(withKeyOptions(command))
    .option('--json', 'print JSON')
    .action((id: string, options: KeyOptions & ReasonOptions & Printing) =>
      withCore(async (core) => {
        const { serviceAccounts } = core;
        const request = await keyRequest(options);
        const account = await serviceAccounts.get(id);
        await showMade(core, options, async () => {
          const created = await serviceAccounts.addKey(id, request, operatorReasonOf(options));
          return { ...created, account, totp: undefined };
        });
      }),
    );
}

function revokeKeyCommand(): Command {
  const command = new Command('revoke-key')
    .argument('<id>')
    .argument('<kid>')
    // A thumbprint may begin with a hyphen.
    .allowUnknownOption()
    .description("revoke a key and the account's opaque tokens");
  return withReasonOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, kid: string, options: ReasonOptions & Printing) =>
      withCore(async (core) => {
        await core.serviceAccounts.revokeKey(id, kid, operatorReasonOf(options));
        await show(core, await core.serviceAccounts.get(id), options);
      }),
    );
}

interface UpdateOptions extends ReasonOptions, Printing {
  readonly name?: string;
  readonly scope?: string | false;
  readonly resource?: string[] | false;
  readonly allowAddress?: string[] | false;
}

/** Each replaces what it names, lists as a whole; its `--no-…` takes it away. */
function updateCommand(): Command {
  const command = new Command('update')
    .argument('<id>')
    .description('change its name or limits; changed limits revoke its opaque tokens')
    .option('--name <name>', 'name shown to operators')
    .option('--scope <scopes>', 'limit it to these scopes')
    .option('--no-scope', 'without --scope: none')
    .option('--resource <uri...>', 'limit it to these resources')
    .option('--no-resource', "reset to the default: Gatehouse's own API")
    .option('--allow-address <range...>', 'limit it to these networks')
    .option('--no-allow-address', 'without --allow-address: any');
  return withReasonOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, options: UpdateOptions) =>
      withCore(async (core) => {
        const change = changeOf(options);
        if (Object.keys(change).length === 0)
          throw refusal('Nothing to change. See --help for the options.');
        await core.serviceAccounts.update(id, change, operatorReasonOf(options));
        await show(core, await core.serviceAccounts.get(id), options);
      }),
    );
}

function changeOf({ name, scope, resource, allowAddress }: UpdateOptions): ServiceAccountUpdate {
  return {
    ...(name === undefined ? {} : { name }),
    ...(scope === undefined ? {} : { scopes: scope ? words(scope) : [] }),
    ...(resource === undefined ? {} : { resources: resource || [] }),
    ...(allowAddress === undefined ? {} : { addresses: allowAddress || [] }),
  };
}

const words = (text: string) => text.split(' ').filter((each) => each !== '');

interface ActCommand {
  readonly name: 'disable' | 'enable' | 'delete' | 'unlock';
  readonly description: string;
}

/** Another act is another line here, and a function in src/service-accounts/operations.ts. */
const ACTS: readonly ActCommand[] = [
  { name: 'disable', description: 'disable it and revoke its opaque tokens' },
  { name: 'enable', description: 'enable it again with its existing keys' },
  { name: 'unlock', description: 'clear its failed codes, if a limit locked it' },
  { name: 'delete', description: 'delete it and its keys; its opaque tokens are revoked' },
];

function operationCommands(): readonly Command[] {
  return ACTS.map(({ name, description }) =>
    withReasonOptions(new Command(name).argument('<id>').description(description))
      .option('--json', 'print JSON')
      .action((id: string, options: ReasonOptions & Printing) =>
        withCore((core) => perform(core, id, name, options)),
      ),
  );
}

async function perform(
  core: Core,
  id: string,
  act: ActCommand['name'],
  options: ReasonOptions & Printing,
): Promise<void> {
  const { serviceAccounts } = core;
  await serviceAccounts[act](id, operatorReasonOf(options));
  if (act !== 'delete') return show(core, await serviceAccounts.get(id), options);
  if (options.json) printJson({ id, deleted: true });
  else print(`Deleted ${id}.`);
}

function resetTotpCommand(): Command {
  const command = new Command('reset-totp')
    .argument('<id>')
    .description(
      'a new secret for its codes, shown once: from now on it counts alone, and the ' +
        'opaque tokens of the service account end',
    );
  return withReasonOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, options: ReasonOptions & Printing) =>
      withCore(async ({ serviceAccounts }) => {
        const { secret, uri } = await serviceAccounts.resetTotp(id, operatorReasonOf(options));
        const made = { id, totp_secret: secret, otpauth_url: uri };
        if (options.json) printJson(made);
        else printFields(made);
      }),
    );
}
