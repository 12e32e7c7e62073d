// gatehouse account allow-addresses: the networks that one account is used from.
import { Command } from 'commander';
import { GatehouseError } from '../lib/errors.ts';
import { type Printing, show } from './account-output.ts';
import { actor } from './actor.ts';
import { withCore } from './core.ts';

interface Options extends Printing {
  readonly any?: boolean;
  readonly reason?: string;
  readonly ticket?: string;
}

export function allowAddressesCommand(): Command {
  return new Command('allow-addresses')
    .argument('<email-or-id>')
    .argument(
      '[range...]',
      'an address or a range, such as 192.0.2.0/24; replaces the current list',
    )
    .description('limit an account to certain networks')
    .option('--any', 'allow any network')
    .option('--reason <text>', 'why; written to the audit log')
    .option('--ticket <id>', 'ID of the request or ticket')
    .option('--json', 'print JSON')
    .action(allow);
}

function allow(who: string, ranges: readonly string[], options: Options): Promise<void> {
  return withCore(async (core) => {
    if ((ranges.length === 0) !== (options.any === true)) {
      const message = 'Name the allowed ranges, or use --any.';
      throw new GatehouseError('invalid_input', { message });
    }
    const { reason, ticket } = options;
    const account = await core.accounts.get(who);
    await core.allowAddresses(account, ranges, { actor: actor(), reason, ticket });
    await show(core, await core.accounts.get(account.id), options);
  });
}
