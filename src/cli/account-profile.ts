// What commands take about an account's person, and `gatehouse account update`.
import { Command, InvalidArgumentError } from 'commander';
import type { Core } from '../app.ts';
import { allAttributes } from '../domain/attributes/attributes.ts';
import { readTyped } from '../domain/attributes/values.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { AttributeValues } from '../store/accounts.ts';
import { type Printing, show } from './account-output.ts';
import { actor } from './actor.ts';
import { withCore } from './core.ts';

export interface AttributeOptions {
  /** False where `--no-role` takes all of them away. */
  readonly role?: string[] | false;
  readonly group?: string[] | false;
  readonly set?: string[];
}

export function withAttributeOptions(command: Command): Command {
  return command
    .option('--role <role...>', 'roles, for the claim "roles"')
    .option('--group <group...>', 'groups: the claim "groups"')
    .option('--set <attribute=value...>', 'attributes, such as given_name=Kim');
}

export function attributesOf(
  core: Pick<Core, 'config'>,
  options: AttributeOptions,
): AttributeValues {
  const { role, group, set = [] } = options;
  const attributes = allAttributes(core.config);
  return Object.assign(
    {},
    ...set.map((typed) => readTyped(attributes, typed)),
    ...(role ? [readTyped(attributes, `roles=${role.join(',')}`)] : []),
    ...(group ? [readTyped(attributes, `groups=${group.join(',')}`)] : []),
  );
}

interface UpdateOptions extends AttributeOptions, Printing {
  readonly email?: string;
  readonly emailVerified?: boolean;
  readonly name?: string | false;
  readonly unset?: string[];
  readonly reason?: string;
  readonly ticket?: string;
}

export function updateCommand(): Command {
  const command = new Command('update')
    .argument('<email-or-id>')
    .description('change the name, the email address or attributes of an account')
    .option('--email <email>', 'a new email address')
    .option('--email-verified <true|false>', 'whether the person owns the address', yesOrNo)
    .option('--name <name>', 'full name of the person')
    .option('--no-name', 'remove the name');
  return withAttributeOptions(command)
    .option('--no-role', 'without roles')
    .option('--no-group', 'without groups')
    .option('--unset <attribute...>', 'attributes to remove')
    .option(
      '--reason <text>',
      'why; written to the audit log. Required to change the email address',
    )
    .option('--ticket <id>', 'ID of the request or ticket')
    .option('--json', 'print JSON')
    .action(update);
}

function yesOrNo(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new InvalidArgumentError('Say true or false.');
  return text === 'true';
}

function update(who: string, options: UpdateOptions): Promise<void> {
  return withCore(async (core) => {
    const account = await core.accounts.get(who);
    const { email, emailVerified, name, reason, ticket } = options;
    const change = {
      email,
      emailVerified,
      name: name === false ? null : name,
      attributes: attributesOf(core, options),
      unset: unsetOf(core, options),
    };
    await core.updateProfile(account, change, { actor: actor(), reason, ticket });
    await show(core, await core.accounts.get(account.id), options);
  });
}

function unsetOf(core: Core, { unset = [], role, group }: UpdateOptions): string[] {
  const known = allAttributes(core.config).map(({ name }) => name);
  const unknown = unset.find((each) => !known.includes(each));
  if (unknown !== undefined) {
    const message = `There is no attribute "${unknown}". There are: ${known.join(', ')}.`;
    throw new GatehouseError('invalid_input', { message });
  }
  return [...unset, ...(role === false ? ['roles'] : []), ...(group === false ? ['groups'] : [])];
}
