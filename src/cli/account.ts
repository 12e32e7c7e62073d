// gatehouse account …: people.
import { Command, Option } from 'commander';
import type { House } from '../app.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import type { Account, AccountRole } from '../store/accounts.ts';
import { actCommands } from './account-acts.ts';
import { allowAddressesCommand } from './account-addresses.ts';
import { describe, type Printing, show } from './account-output.ts';
import { actor } from './actor.ts';
import { withHouse, withNewHouse } from './house.ts';
import { importCommand } from './import.ts';
import { readInput } from './input.ts';
import { printJson, printTable } from './output.ts';

interface CreateOptions {
  readonly name?: string;
  readonly admin?: boolean;
  readonly support?: boolean;
  readonly passwordStdin?: boolean;
  readonly json?: boolean;
}

export function accountCommands(): Command {
  const command = new Command('account').description('create and look up accounts');
  command
    .command('create <email>')
    .description('create an account')
    .option('--name <name>', 'what to call the person')
    .addOption(new Option('--admin', 'may administer').conflicts('support'))
    .option('--support', 'may look, unlock and end sessions')
    .option('--password-stdin', 'read the password from standard input')
    .option('--json', 'print JSON')
    .action((email: string, options: CreateOptions) =>
      withNewHouse(async (house) => {
        const account = await create(house, email, options);
        await show(house, account, options, await invitationFor(house, account));
      }),
    );
  command.addCommand(importCommand());
  command
    .command('list')
    .description('list all accounts')
    .option('--json', 'print JSON')
    .action((options: Printing) => withHouse((house) => list(house, options)));
  command
    .command('show <email-or-id>')
    .description('show one account')
    .option('--json', 'print JSON')
    .action((who: string, options: Printing) =>
      withHouse(async (house) => show(house, await house.accounts.get(who), options)),
    );
  for (const each of actCommands()) command.addCommand(each);
  command.addCommand(allowAddressesCommand());
  return command;
}

/** Whoever has no password yet chooses one by a link that is shown this once. */
async function invitationFor({ links, store }: House, account: Account) {
  if (account.passwordHash !== undefined) return {};
  const { unit, url } = links.create(account, 'invitation', actor());
  await store.write(...unit);
  return { link: url };
}

async function create(house: House, email: string, options: CreateOptions): Promise<Account> {
  const password = options.passwordStdin ? await readPassword() : undefined;
  const request = { email, name: options.name || undefined, role: roleOf(options), password };
  return house.accounts.create(request).catch((error: unknown) => {
    throw isGatehouseError(error, 'password_unmet') ? inSentences(error, house) : error;
  });
}

/** The rules that are not met, as the page words them. */
function inSentences({ details }: GatehouseError, { t, passwords }: House): GatehouseError {
  const { min, max } = passwords.settings;
  const message = 'The password does not meet the policy. Not met:';
  const sentences = details.map((rule) => t(`password-rules.${rule}`, { min, max }));
  return new GatehouseError('password_unmet', { message, details: sentences });
}

function roleOf({ admin, support }: CreateOptions): AccountRole {
  if (admin) return 'admin';
  return support ? 'support' : 'user';
}

async function readPassword(): Promise<string> {
  const password = (await readInput('-')).replace(/\r?\n$/, '');
  if (password === '') throw noPassword('Standard input held no password.');
  // No form could ever send it.
  if (/[\r\n]/.test(password)) throw noPassword('Standard input held more than one line.');
  return password;
}

function noPassword(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

async function list(house: House, { json }: Printing): Promise<void> {
  const described = [];
  for await (const account of house.accounts.list()) described.push(await describe(house, account));
  if (json) printJson(described);
  else
    printTable(
      described.map(({ id, email, name, role, status }) => ({ id, email, name, role, status })),
    );
}
