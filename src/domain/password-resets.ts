// Forgotten passwords: a link for whoever reads the mails of an account, and a new password for it.
import { now } from '../lib/clock.ts';
import { accountId } from '../lib/ids.ts';
import type { Account, Accounts } from '../store/accounts.ts';
import type { LivingAccount } from '../store/living.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { Audit } from './audit/audit.ts';
import { telling } from './audit/locks.ts';
import { emailKey } from './emails.ts';
import type { Hashing } from './hashing.ts';
import type { KnownBrowsers } from './known-browsers.ts';
import type { Limited } from './limits/attempt.ts';
import type { Limits } from './limits/limits.ts';
import type { OneTimeLinks } from './links.ts';
import type { Mails } from './mails.ts';
import type { Notices } from './notices.ts';
import type { PasswordPolicy, Rule } from './passwords/policy.ts';
import type { SessionEnd, SessionsDomain } from './sessions.ts';
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
  find(ticket: string): Promise<Account | undefined>;
  /** Throws `busy` when too many passwords are being hashed. */
  choose(ticket: string, password: string): Promise<ResetOutcome>;
}

/** What ends with the password of an account, however it is reset. */
export interface EndsWithPassword {
  readonly sessions: SessionsDomain;
  readonly knownBrowsers: KnownBrowsers;
  readonly trustedDevices: TrustedDevices;
  readonly limits: Limits;
}

interface Needs extends EndsWithPassword {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly links: OneTimeLinks;
  readonly mails: Mails;
  readonly notices: Notices;
  readonly audit: Audit;
  readonly hashing: Hashing;
  readonly passwords: PasswordPolicy;
}

/** Whose password may be set, and by what. */
interface Held {
  readonly account: Account;
  readonly ticket: string;
  /** The link stood in a mail and nowhere else: who has it reads the mails of the account. */
  readonly isMailed: boolean;
}

/** By whom links are made that stand in a mail and nowhere else; those of operators are printed. */
export const MAILED = 'visitor';
const VOID: ResetOutcome = { kind: 'void' };

export function createPasswordResets(needs: Needs): PasswordResets {
  const { links, accounts } = needs;

  const findHeld = async (ticket: string): Promise<Held | undefined> => {
    const link = await links.findByTicket(ticket);
    const account = link && (await accounts.find(link.accountId));
    if (!account || account.generation !== link.generation) return undefined;
    return { account, ticket, isMailed: link.createdBy === MAILED };
  };

  return {
    find: async (ticket) => (await findHeld(ticket))?.account,
    ask: (email, address) => ask(email, address, needs),
    choose: async (ticket, password) => {
      const held = await findHeld(ticket);
      return held ? choose(held, password, needs) : VOID;
    },
  };
}

/** The same work for an address that nobody has: its statements then find no account. */
async function ask(email: string, address: string, needs: Needs): Promise<Limited | undefined> {
  const { accounts, links, mails, limits, audit } = needs;
  const reserved = await limits.reserveMail(emailKey(email), address);
  const found = await accounts.findByEmailKey(emailKey(email));
  const ticket = await telling(reserved, audit, { method: 'reset-mail', accountId: found?.id });
  if (ticket.kind === 'limited') return ticket.rule === 'mails-of-range' ? ticket : undefined;
  const account = found ?? nobody(email);
  await ticket.failed(resetMail(account, { links, mails }));
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

type Addressed = LivingAccount & { readonly email: string };

function nobody(email: string): Addressed {
  return { id: accountId(), generation: 1, email };
}

async function choose(held: Held, password: string, needs: Needs): Promise<ResetOutcome> {
  const { account } = held;
  const { passwords, hashing, store } = needs;
  const { met, rules } = passwords.judge(password, account);
  const unmet = rules.filter((each) => !each.met).map(({ rule }) => rule);
  if (!met) return { kind: 'unmet', rules: unmet };
  const old = account.passwordHash;
  if (old && (await hashing.verify(old, password)) !== 'wrong') return { kind: 'same' };
  const hash = await hashing.hash(password);
  const outcome = await store.commit(await resetUnit(held, hash, needs));
  return outcome.kind === 'committed' ? { kind: 'done' } : VOID;
}

/** The account comes first: two resets of one account wait there, and not for each other. */
async function resetUnit(held: Held, hash: string, needs: Needs): Promise<Unit> {
  const { account, ticket, isMailed } = held;
  const { accounts, passwords, links, notices, audit } = needs;
  const made = { hash, policyVersion: passwords.newest, at: now(), provesEmail: isMailed };
  const detail = isMailed && !account.emailVerified ? { email_verified: true } : {};
  return [
    accounts.resetPassword(account.id, account.generation, made),
    links.endTicket(ticket),
    ...(await endsWithPassword(account, 'password reset', needs)),
    // Whoever reads the person's mail would else have guesses at codes without end.
    ...needs.limits.clearPasswords(account),
    audit.record({ kind: 'password.reset', accountId: account.id, detail }),
    notices.tell(account, { kind: 'password-changed' }),
  ];
}

/** Everything that the raised generation voids, said where it is looked up, too. */
export async function endsWithPassword(
  account: Account,
  why: SessionEnd,
  { sessions, knownBrowsers, trustedDevices }: Omit<EndsWithPassword, 'limits'>,
): Promise<Unit> {
  return [
    ...(await sessions.moveOn(account.id, account.generation + 1, undefined, why)),
    await knownBrowsers.forget(account.id),
    trustedDevices.forgetAll(account.id),
  ];
}
