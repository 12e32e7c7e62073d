// gatehouse account ACT: what is done to one account, for a reason, under the name of who did it.
import { Command } from 'commander';
import type { AccountOperations } from '../domain/accounts/operations.ts';
import { type Printing, show } from './account-output.ts';
import { actor } from './actor.ts';
import { withCore } from './core.ts';
import { print, printJson } from './output.ts';

interface ActCommand {
  readonly name: string;
  readonly description: string;
  readonly act: keyof AccountOperations;
}

/** Another act is another line here, and a function in src/domain/accounts/operations.ts. */
const ACTS: readonly ActCommand[] = [
  {
    name: 'suspend',
    description: 'suspend an account; its sessions and tokens end immediately',
    act: 'suspend',
  },
  {
    name: 'activate',
    description: 'reactivate a suspended or locked account',
    act: 'activate',
  },
  {
    name: 'unlock',
    description: 'unlock an account and clear its failed attempts',
    act: 'unlock',
  },
  {
    name: 'reset-2fa',
    description: 'remove all second factors; the person sets up a new one at the next sign-in',
    act: 'resetFactors',
  },
  {
    name: 'reset-password',
    description: 'sign the person out everywhere and print a one-time link for a new password',
    act: 'resetPassword',
  },
  {
    name: 'delete',
    description: 'delete an account and all its data',
    act: 'delete',
  },
];

interface ActOptions extends Printing {
  readonly reason: string;
  readonly ticket?: string;
}

export function operationCommands(): readonly Command[] {
  return ACTS.map(({ name, description, act }) =>
    new Command(name)
      .argument('<email-or-id>')
      .description(description)
      .requiredOption('--reason <text>', 'why; written to the audit log')
      .option('--ticket <id>', 'ID of the request or ticket')
      .option('--json', 'print JSON')
      .action((who: string, options: ActOptions) => perform(act, who, options)),
  );
}

function perform(act: keyof AccountOperations, who: string, options: ActOptions): Promise<void> {
  return withCore(async (core) => {
    const { reason, ticket } = options;
    const account = await core.accounts.get(who);
    const result = await core.operations[act](account, { actor: actor(), reason, ticket });
    const after = await core.accounts.find(account.id);
    if (after) await show(core, after, options, { ...result });
    else report(account.id, options);
  });
}

function report(id: string, { json }: Printing): void {
  if (json) printJson({ id, deleted: true });
  else print(`Deleted ${id}.`);
}
