// One-time links: a link is spent for a short-lived ticket, and the ticket for a new password.
import type { Config } from '../config/schema.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import type { Vault } from '../lib/vault.ts';
import type { Link, LinkPurpose, Links as LinkStore } from '../store/links.ts';
import type { LivingAccount } from '../store/living.ts';
import type { Statement, Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';

export const RESET_PATH = '/reset-password';

export interface NewOneTimeLink {
  /** Makes it, unless the account is gone, suspended or of another generation meanwhile. */
  readonly unit: Unit;
  /** Holds the secret: it stands nowhere else. */
  readonly url: string;
  readonly expiresAt: number;
}

export interface OneTimeLinks {
  /** @param by an account's id, `cli:USER`, or `visitor` */
  create(account: LivingAccount, purpose: LinkPurpose, by: string): NewOneTimeLink;
  /** Undefined for a link that is used, has run out, or is none. */
  find(secret: string, ticket: string | undefined): Promise<FoundLink | undefined>;
  /** Spends the link. @returns the ticket; undefined: it was too late, or no link at all */
  spend(secret: string): Promise<string | undefined>;
  /** The link that was spent for a ticket, as long as the ticket counts. */
  findByTicket(ticket: string): Promise<Link | undefined>;
  /** Must hit: the ticket counts. It does not any more. */
  endTicket(ticket: string): Statement;
}

/** `open`: may be spent now. `going-on`: was spent for the ticket that is held already. */
export type FoundLink = 'open' | 'going-on';

interface Needs {
  readonly config: Pick<Config, 'issuer' | 'ttl'>;
  readonly store: Store;
  readonly links: LinkStore;
  readonly vault: Vault;
}

/** How long the form may be sent again until a password meets the policy. */
export const TICKET_LIFETIME = 900_000;

export function createOneTimeLinks({ config, store, links, vault }: Needs): OneTimeLinks {
  const { reset_link, invitation } = config.ttl;
  const seconds = { 'reset-password': reset_link, invitation };
  const digestOf = (secret: string) => vault.digest('one-time-link', secret);
  const digestOfTicket = (ticket: string) => vault.digest('one-time-ticket', ticket);

  const findByTicket = (ticket: string) => links.findByTicket(digestOfTicket(ticket), now());

  const find: OneTimeLinks['find'] = async (secret, ticket) => {
    const link = await links.find(digestOf(secret), now());
    if (link && link.usedAt === undefined) return 'open';
    const going = ticket === undefined ? undefined : await findByTicket(ticket);
    return going?.digest === digestOf(secret) ? 'going-on' : undefined;
  };

  return {
    find,
    findByTicket,
    create: ({ id, generation }, purpose, createdBy) => {
      const secret = randomId(256);
      const expiresAt = now() + seconds[purpose] * 1000;
      const digest = digestOf(secret);
      const row = { id: randomId(), accountId: id, purpose, digest, generation, expiresAt };
      const unit = [links.insert({ ...row, createdBy }, now())];
      return { unit, url: `${config.issuer}${RESET_PATH}/${secret}`, expiresAt };
    },
    spend: async (secret) => {
      const ticket = randomId(256);
      const digest = digestOfTicket(ticket);
      const held = { digest, expiresAt: now() + TICKET_LIFETIME };
      const outcome = await store.commit([links.spend(digestOf(secret), held, now())]);
      return outcome.kind === 'committed' ? ticket : undefined;
    },
    endTicket: (ticket) => links.endTicket(digestOfTicket(ticket), now()),
  };
}
