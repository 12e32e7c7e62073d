// Who must have a second factor, and from when on.
import type { MfaConfig } from '../../config/schema.ts';
import { fromIso, now } from '../../lib/clock.ts';
import type { Account } from '../../store/accounts.ts';
import type { SettingTable } from '../../store/settings.ts';

export type Grace =
  /** It has a second factor, or nobody needs one. */
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly until: number }
  /** Nothing but enrolment. */
  | { readonly kind: 'over' };

export interface Mfa {
  /** As of a password that was right `at`; a grace that has not begun begins then. */
  graceAt(account: Account, at: number): Grace;
  /** Nothing but enrolment is open to this account. */
  isDue(account: Account, at: number): boolean;
}

const DAY = 86_400_000;
const REQUIRED_SINCE = 'mfa.required_since';

/** The first start of a house remembers its time: accounts made before the rule get grace. */
export async function findRequiredSince(
  config: MfaConfig,
  settingTable: SettingTable,
): Promise<number> {
  const known = await knownRequiredSince(config, settingTable);
  if (known !== undefined) return known;
  await settingTable.setOnce(REQUIRED_SINCE, String(now()));
  return Number(await settingTable.find(REQUIRED_SINCE));
}

/** Undefined before the first start. */
export async function knownRequiredSince(
  config: MfaConfig,
  settingTable: Pick<SettingTable, 'find'>,
): Promise<number | undefined> {
  if (config.required_since !== undefined) return fromIso(config.required_since);
  const stored = await settingTable.find(REQUIRED_SINCE);
  return stored === undefined ? undefined : Number(stored);
}

export function createMfa(config: MfaConfig, requiredSince: number): Mfa {
  const absolute = config.grace_ends === undefined ? undefined : fromIso(config.grace_ends);

  const deadlineOf = ({ existing, createdAt, mfaDeadline }: Account): number | undefined => {
    if (!existing && createdAt >= requiredSince) return -Infinity;
    // A stored end that lies before the one for all was moved there by an operator's reset.
    if (absolute !== undefined) return Math.min(absolute, mfaDeadline ?? Infinity);
    return mfaDeadline;
  };

  const graceAt = (account: Account, at: number): Grace => {
    if (!config.required || account.mfaEnrolledAt !== undefined) return { kind: 'none' };
    const until = deadlineOf(account) ?? at + config.grace_days * DAY;
    return until > at ? { kind: 'running', until } : { kind: 'over' };
  };

  return { graceAt, isDue: (account, at) => graceAt(account, at).kind === 'over' };
}
