// gatehouse account ACT: what is done to one account, for a reason, under the name of who did it.
import { Command } from 'commander';
import type { AccountActs } from '../domain/account-acts.ts';
import { type Printing, show } from './account-output.ts';
import { actor } from './actor.ts';
import { withHouse } from './house.ts';

interface ActCommand {
  readonly name: string;
  readonly description: string;
  readonly act: keyof AccountActs;
}

/** Another act is another line here, and a function in src/domain/account-acts.ts. */
const ACTS: readonly ActCommand[] = [
  {
    name: 'reset-password',
    description: 'end what is signed in, and print a one-time link for a new password',
    act: 'resetPassword',
  },
];

interface ActOptions extends Printing {
  readonly reason: string;
  readonly ticket?: string;
}

export function actCommands(): readonly Command[] {
  return ACTS.map(({ name, description, act }) =>
    new Command(name)
      .argument('<email-or-id>')
      .description(description)
      .requiredOption('--reason <text>', 'why, for the records')
      .option('--ticket <id>', 'the request that asks for it')
      .option('--json', 'print JSON')
      .action((who: string, options: ActOptions) => perform(act, who, options)),
  );
}

function perform(act: keyof AccountActs, who: string, options: ActOptions): Promise<void> {
  return withHouse(async (house) => {
    const { reason, ticket } = options;
    const account = await house.accounts.get(who);
    const result = await house.acts[act](account, { actor: actor(), reason, ticket });
    await show(house, await house.accounts.get(account.id), options, { ...result });
  });
}
