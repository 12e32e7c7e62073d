// gatehouse service-account …: machines.
import { Command } from 'commander';
import type { House } from '../../app.ts';
import { refusal } from '../../domain/service-accounts/refusals.ts';
import type { ServiceAccountUpdate } from '../../domain/service-accounts/service-accounts.ts';
import { withHouse, withNewHouse } from '../house.ts';
import { print, printFields, printJson } from '../output.ts';
import { showMade } from './made.ts';
import {
  type CauseOptions,
  causeOf,
  type KeyOptions,
  keyRequest,
  withCauseOptions,
  withKeyOptions,
} from './options.ts';
import { list, type Printing, show } from './output.ts';

export function serviceAccountCommands(): Command {
  const command = new Command('service-account').description(
    'machines that ask for tokens with keys of their own',
  );
  command.addCommand(createCommand());
  command
    .command('list')
    .description('list all service accounts')
    .option('--json', 'print JSON')
    .action((options: Printing) => withHouse((house) => list(house, options)));
  command
    .command('show <id>')
    .description('show one service account with its keys')
    .option('--json', 'print JSON')
    .action((id: string, options: Printing) =>
      withHouse(async (house) => show(house, await house.serviceAccounts.get(id), options)),
    );
  command.addCommand(updateCommand());
  command.addCommand(addKeyCommand());
  command.addCommand(revokeKeyCommand());
  for (const each of actCommands()) command.addCommand(each);
  command.addCommand(resetTotpCommand());
  return command;
}

interface CreateOptions extends KeyOptions, CauseOptions, Printing {
  readonly name: string;
  readonly totp?: boolean;
  readonly scope?: string;
  readonly resource?: string[];
  readonly allowAddress?: string[];
}

function createCommand(): Command {
  const command = new Command('create')
    .description('make a service account with its first key; what is secret is shown once')
    .requiredOption('--name <name>', 'what operators read')
    .option('--totp', 'it sends a code with each assertion, too')
    .option('--scope <scopes>', 'the only scopes it may ask for')
    .option('--resource <uri...>', 'the only resources it may ask tokens for (our own API if none)')
    .option('--allow-address <range...>', 'the only networks it may ask from');
  return withCauseOptions(withKeyOptions(command))
    .option('--json', 'print JSON')
    .action((options: CreateOptions) =>
      withNewHouse(async (house) => {
        const request = { ...(await keyRequest(options)), ...limitsOf(options) };
        await showMade(house, options, () =>
          house.serviceAccounts.create(request, causeOf(options)),
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
    .description('add a key beside those that it has; a private key is shown once');
  return withCauseOptions(withKeyOptions(command))
    .option('--json', 'print JSON')
    .action((id: string, options: KeyOptions & CauseOptions & Printing) =>
      withHouse(async (house) => {
        const { serviceAccounts } = house;
        const request = await keyRequest(options);
        const account = await serviceAccounts.get(id);
        await showMade(house, options, async () => {
          const created = await serviceAccounts.addKey(id, request, causeOf(options));
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
    .description('end a key, and the opaque tokens of the service account');
  return withCauseOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, kid: string, options: CauseOptions & Printing) =>
      withHouse(async (house) => {
        await house.serviceAccounts.revokeKey(id, kid, causeOf(options));
        await show(house, await house.serviceAccounts.get(id), options);
      }),
    );
}

interface UpdateOptions extends CauseOptions, Printing {
  readonly name?: string;
  readonly scope?: string | false;
  readonly resource?: string[] | false;
  readonly allowAddress?: string[] | false;
}

/** Each replaces what it names, lists as a whole; its `--no-…` takes it away. */
function updateCommand(): Command {
  const command = new Command('update')
    .argument('<id>')
    .description('change its name or lists; with other lists its opaque tokens end')
    .option('--name <name>', 'what operators read')
    .option('--scope <scopes>', 'the only scopes it may ask for')
    .option('--no-scope', 'without --scope: none')
    .option('--resource <uri...>', 'the only resources it may ask tokens for')
    .option('--no-resource', 'without --resource: our own API')
    .option('--allow-address <range...>', 'the only networks it may ask from')
    .option('--no-allow-address', 'without --allow-address: any');
  return withCauseOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, options: UpdateOptions) =>
      withHouse(async (house) => {
        const change = changeOf(options);
        if (Object.keys(change).length === 0) throw refusal('Say what to change: see --help.');
        await house.serviceAccounts.update(id, change, causeOf(options));
        await show(house, await house.serviceAccounts.get(id), options);
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

/** Another act is another line here, and a function in src/domain/service-accounts/acts.ts. */
const ACTS: readonly ActCommand[] = [
  { name: 'disable', description: 'refuse it, and end its opaque tokens, until it is enabled' },
  { name: 'enable', description: 'let it in again, with the keys that it had' },
  { name: 'unlock', description: 'forget all wrong codes: for one that is closed by a limit' },
  { name: 'delete', description: 'delete it with its keys; its opaque tokens end' },
];

function actCommands(): readonly Command[] {
  return ACTS.map(({ name, description }) =>
    withCauseOptions(new Command(name).argument('<id>').description(description))
      .option('--json', 'print JSON')
      .action((id: string, options: CauseOptions & Printing) =>
        withHouse((house) => perform(house, id, name, options)),
      ),
  );
}

async function perform(
  house: House,
  id: string,
  act: ActCommand['name'],
  options: CauseOptions & Printing,
): Promise<void> {
  const { serviceAccounts } = house;
  await serviceAccounts[act](id, causeOf(options));
  if (act !== 'delete') return show(house, await serviceAccounts.get(id), options);
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
  return withCauseOptions(command)
    .option('--json', 'print JSON')
    .action((id: string, options: CauseOptions & Printing) =>
      withHouse(async ({ serviceAccounts }) => {
        const { secret, uri } = await serviceAccounts.resetTotp(id, causeOf(options));
        const made = { id, totp_secret: secret, otpauth_url: uri };
        if (options.json) printJson(made);
        else printFields(made);
      }),
    );
}
