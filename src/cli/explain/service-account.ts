// How a service account stands: whether it is let in, with which keys, from where, for what.
import type { Core } from '../../app.ts';
import type { ServiceAccount } from '../../service-accounts/service-accounts.ts';
import { oneLine } from '../output.ts';
import { describe } from '../service-account/output.ts';
import { type Explanation, limitJson, NEWEST } from './explanation.ts';
import { describeLimit } from './words.ts';

export async function explainServiceAccount(
  core: Core,
  account: ServiceAccount,
): Promise<Explanation> {
  const { id, name } = account;
  const described = await describe(core, account);
  const closed = await core.limits.findClosed({ id });
  const says = [...describeState(described), ...closed.map(describeLimit)];
  const events = await core.audit.newest({ accountId: id }, NEWEST);
  return {
    facts: { service_account: described, limits: closed.map(limitJson), says },
    lines: [oneLine(`${name} (${id})`), ...says.map((each) => `  ${oneLine(each)}`)],
    events: events.reverse(),
  };
}

type Described = Awaited<ReturnType<typeof describe>>;

function describeState(account: Described): string[] {
  const { status, totp, scope, resources, allowed_addresses: addresses, keys } = account;
  return [
    status === 'active' ? 'Active.' : 'Disabled.',
    ...keys.map(describeKey),
    ...(keys.some((key) => key.status === 'active')
      ? []
      : ['No valid key: all its requests are refused.']),
    totp ? 'Sends a TOTP code with each assertion.' : "Doesn't send TOTP codes.",
    `It may ask for ${scope === '' ? 'no scope' : `the scopes ${scope}`}, at ${resources.join(', ')}.`,
    addresses.length === 0
      ? 'Allowed from any network.'
      : `It may ask only from ${addresses.join(', ')}.`,
  ];
}

function describeKey({ kid, alg, status, expires_at, last_used_at }: Described['keys'][number]) {
  const expires = status === 'active' ? 'expires' : 'expired';
  const expiry = status === 'revoked' || expires_at === null ? '' : `, ${expires} ${expires_at}`;
  const used = last_used_at === null ? 'never used' : `last used ${last_used_at}`;
  return `Key ${kid} (${alg}): ${status}${expiry}, ${used}.`;
}
