// gatehouse account …: people.
import { Command, Option } from 'commander';
import type { Core } from '../app.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import type { Account, AccountRole } from '../store/accounts.ts';
import { allowAddressesCommand } from './account-addresses.ts';
import { operationCommands } from './account-operations.ts';
import { describe, type Printing, show } from './account-output.ts';
import {
  type AttributeOptions,
  attributesOf,
  updateCommand,
  withAttributeOptions,
} from './account-profile.ts';
import { actor } from './actor.ts';
import { withCore, withNewCore } from './core.ts';
import { importCommand } from './import.ts';
import { readInput } from './input.ts';
import { printJson, printTable } from './output.ts';

interface CreateOptions extends AttributeOptions {
  readonly name?: string;
  readonly admin?: boolean;
  readonly support?: boolean;
  readonly passwordStdin?: boolean;
  readonly emailVerified?: boolean;
  readonly json?: boolean;
}

export function accountCommands(): Command {
  const command = new Command('account').description('create, change and look up accounts');
  withAttributeOptions(command.command('create <email>'))
    .description('create an account')
    .option('--name <name>', 'full name of the person')
    .option('--email-verified', 'mark the email address as verified')
    .addOption(new Option('--admin', 'give the role admin').conflicts('support'))
    .option('--support', 'give the role support')
    .option('--password-stdin', 'read the password from standard input')
    .option('--json', 'print JSON')
    .action((email: string, options: CreateOptions) =>
      withNewCore(async (core) => {
        const account = await create(core, email, options);
        await show(core, account, options, await invitationFor(core, account));
      }),
    );
  command.addCommand(updateCommand());
  command.addCommand(importCommand());
  command
    .command('list')
    .description('list all accounts')
    .option('--json', 'print JSON')
    .action((options: Printing) => withCore((core) => list(core, options)));
  command
    .command('show <email-or-id>')
    .description('show one account')
    .option('--json', 'print JSON')
    .action((who: string, options: Printing) =>
      withCore(async (core) => show(core, await core.accounts.get(who), options)),
    );
  for (const each of operationCommands()) command.addCommand(each);
  command.addCommand(allowAddressesCommand());
  return command;
}

/** Whoever has no password yet chooses one by a link that is shown this once. */
async function invitationFor({ links, store }: Core, account: Account) {
  if (account.passwordHash !== undefined) return {};
  const { unit, url } = links.create(account, 'invitation', actor());
  await store.write(...unit);
  return { link: url };
}

async function create(core: Core, email: string, options: CreateOptions): Promise<Account> {
  const password = options.passwordStdin ? await readPassword() : undefined;
  const request = {
    email,
    name: options.name || undefined,
    role: roleOf(options),
    password,
    emailVerified: options.emailVerified,
    attributes: attributesOf(core, options),
  };
  return core.accounts.create(request).catch((error: unknown) => {
    throw isGatehouseError(error, 'password_unmet') ? inSentences(error, core) : error;
  });
}

/** The rules that are not met, as the page words them. */
function inSentences({ details }: GatehouseError, { t, passwords }: Core): GatehouseError {
  const { min, max } = passwords.settings;
  const message = "The password doesn't meet the policy. Requirements not met:";
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

async function list(core: Core, { json }: Printing): Promise<void> {
  const described = [];
  for await (const account of core.accounts.list()) described.push(await describe(core, account));
  if (json) printJson(described);
  else
    printTable(
      described.map(({ id, email, name, role, status }) => ({ id, email, name, role, status })),
    );
}
