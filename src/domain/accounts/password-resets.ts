// Forgotten passwords: a link for whoever reads the mails of an account, and a new password for it.
import { now } from '../../lib/clock.ts';
import { accountId } from '../../lib/ids.ts';
import type { Account, AccountTable } from '../../store/accounts.ts';
import type { AccountVersion } from '../../store/current-account.ts';
import type { Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { withLimitAudit } from '../audit/locks.ts';
import type { Limited } from '../limits/attempt.ts';
import type { Limits } from '../limits/limits.ts';
import type { Mails } from '../notices/mails.ts';
import type { Notices } from '../notices/notices.ts';
import type { Hashing } from '../passwords/hashing.ts';
import type { PasswordPolicy, Rule } from '../passwords/policy.ts';
import type { SessionEnd, Sessions } from '../sessions/sessions.ts';
import { normalizedEmail } from './emails.ts';
import type { KnownBrowsers } from './known-browsers.ts';
import type { OneTimeLinks } from './links.ts';
import type { TrustedDevices } from './trusted-devices.ts';

export type ResetOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'unmet'; readonly rules: readonly Rule[] }
  /** It is the one that the account has. */
  | { readonly kind: 'same' }
  /** The ticket is used or has run out, or the account has changed since. */
  | { readonly kind: 'void' };

export interface PasswordResets {
  /**
   * Writes a mail with a link, if anybody has this e-mail address. No caller gets to know.
   * @param address of whoever asks
   * @returns that too much was asked for from there: it says nothing of the mailbox
   */
  ask(email: string, address: string): Promise<Limited | undefined>;
  /** Whose password a ticket may set. */
  find(redemption: string): Promise<Account | undefined>;
  /** Throws `busy` when too many passwords are being hashed. */
  choose(redemption: string, password: string): Promise<ResetOutcome>;
}

/** What ends with the password of an account, however it is reset. */
export interface EndsWithPassword {
  readonly sessions: Sessions;
  readonly knownBrowsers: KnownBrowsers;
  readonly trustedDevices: TrustedDevices;
  readonly limits: Limits;
}

interface Needs extends EndsWithPassword {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly links: OneTimeLinks;
  readonly mails: Mails;
  readonly notices: Notices;
  readonly audit: Audit;
  readonly hashing: Hashing;
  readonly passwords: PasswordPolicy;
}

/** Whose password may be set, and by what. */
interface Redeemed {
  readonly account: Account;
  readonly redemption: string;
  /** The link stood in a mail and nowhere else: who has it reads the mails of the account. */
  readonly isMailed: boolean;
}

/** By whom links are made that stand in a mail and nowhere else; those of operators are printed. */
export const MAILED = 'visitor';
const VOID: ResetOutcome = { kind: 'void' };

export function createPasswordResets(needs: Needs): PasswordResets {
  const { links, accountTable } = needs;

  const findRedeemer = async (redemption: string): Promise<Redeemed | undefined> => {
    const link = await links.findRedeemed(redemption);
    const account = link && (await accountTable.find(link.accountId));
    if (!account || account.generation !== link.generation) return undefined;
    return { account, redemption, isMailed: link.createdBy === MAILED };
  };

  return {
    find: async (redemption) => (await findRedeemer(redemption))?.account,
    ask: (email, address) => ask(email, address, needs),
    choose: async (redemption, password) => {
      const redeemed = await findRedeemer(redemption);
      return redeemed ? choose(redeemed, password, needs) : VOID;
    },
  };
}

/** The same work for an address that nobody has: its statements then find no account. */
async function ask(email: string, address: string, needs: Needs): Promise<Limited | undefined> {
  const { accountTable, links, mails, limits, audit } = needs;
  const reserved = await limits.reserveMail(normalizedEmail(email), address);
  const found = await accountTable.findByNormalizedEmail(normalizedEmail(email));
  const redemption = await withLimitAudit(reserved, audit, {
    method: 'reset-mail',
    accountId: found?.id,
  });
  if (redemption.kind === 'limited')
    return redemption.rule === 'mails-of-range' ? redemption : undefined;
  const account = found ?? nobody(email);
  await redemption.consume(resetMail(account, { links, mails }));
  return undefined;
}

/** A link, and the mail that brings it: nothing where the account is no longer of this generation. */
export function resetMail(
  account: Addressed,
  { links, mails }: Pick<Needs, 'links' | 'mails'>,
): Unit {
  const { unit, url, expiresAt } = links.create(account, 'reset-password', MAILED);
  const values = { expires: expiresAt };
  const mail = { template: 'reset-link', to: account.email, values, link: url };
  return [...unit, mails.writeFor(account, mail, expiresAt)];
}

type Addressed = AccountVersion & { readonly email: string };

function nobody(email: string): Addressed {
  return { id: accountId(), generation: 1, email };
}

async function choose(redeemed: Redeemed, password: string, needs: Needs): Promise<ResetOutcome> {
  const { account } = redeemed;
  const { passwords, hashing, store } = needs;
  const { met, rules } = passwords.checkPassword(password, account);
  const unmet = rules.filter((each) => !each.met).map(({ rule }) => rule);
  if (!met) return { kind: 'unmet', rules: unmet };
  const old = account.passwordHash;
  if (old && (await hashing.verify(old, password)) !== 'wrong') return { kind: 'same' };
  const hash = await hashing.hash(password);
  const isDone = await store.tryCommit(await resetUnit(redeemed, hash, needs));
  return isDone ? { kind: 'done' } : VOID;
}

/** The account comes first: two resets of one account wait there, and not for each other. */
async function resetUnit(redeemed: Redeemed, hash: string, needs: Needs): Promise<Unit> {
  const { account, redemption, isMailed } = redeemed;
  const { accountTable, passwords, links, notices, audit } = needs;
  const made = { hash, policyVersion: passwords.newest, at: now(), provesEmail: isMailed };
  const detail = isMailed && !account.emailVerified ? { email_verified: true } : {};
  return [
    accountTable.resetPassword(account.id, account.generation, made),
    links.endRedemption(redemption),
    ...(await endsWithPassword(account, 'password reset', needs)),
    // Whoever reads the person's mail would else have guesses at codes without end.
    ...needs.limits.clearPasswords(account),
    audit.record({ kind: 'password.reset', accountId: account.id, detail }),
    notices.noticeFor(account, { kind: 'password-changed' }),
  ];
}

/** Everything that the raised generation voids, said where it is looked up, too. */
export async function endsWithPassword(
  account: Account,
  why: SessionEnd,
  { sessions, knownBrowsers, trustedDevices }: Omit<EndsWithPassword, 'limits'>,
): Promise<Unit> {
  return [
    ...(await sessions.endOthers(account.id, account.generation + 1, undefined, why)),
    await knownBrowsers.forget(account.id),
    trustedDevices.forgetAll(account.id),
  ];
}
