// One-time links: one is spent for a ticket, and the ticket for a new password; another one disowns.
import type { Config } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { Vault } from '../../lib/vault.ts';
import type { AccountVersion } from '../../store/current-account.ts';
import type { Link, LinkPurpose, LinkTable as LinkStore } from '../../store/links.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import { NOT_ME_PATH, RESET_PATH } from '../../web/paths.ts';

export interface NewOneTimeLink {
  /** Makes it, unless the account is gone, suspended or of another generation meanwhile. */
  readonly unit: Unit;
  /** Holds the secret: it stands nowhere else. */
  readonly url: string;
  readonly expiresAt: number;
}

export interface OneTimeLinks {
  /** @param by an account's id, `cli:USER`, or `visitor` */
  create(account: AccountVersion, purpose: LinkPurpose, by: string): NewOneTimeLink;
  /** Undefined for a link that is used, has run out, or is none. */
  find(secret: string, redemption: string | undefined): Promise<FoundLink | undefined>;
  /** Spends the link. @returns the ticket; undefined: it was too late, or no link at all */
  spend(secret: string): Promise<string | undefined>;
  /** The link that was spent for a ticket, as long as the ticket counts. */
  findRedeemed(redemption: string): Promise<Link | undefined>;
  /** Must hit: the ticket counts. It does not any more. */
  endRedemption(redemption: string): Statement;
  /** Undefined for a link `not-me` that has expired, and for what is none. */
  findDisowning(secret: string): Promise<FoundDisowning | undefined>;
  /** Must hit: nobody has used it. The others of the account are used up with it. */
  spendDisowning(accountId: string, secret: string): Unit;
}

export interface FoundDisowning {
  readonly accountId: string;
  readonly state: 'open' | 'used';
}

/** `open`: may be spent now. `going-on`: was spent for the ticket that is held already. */
export type FoundLink = 'open' | 'going-on';

interface Needs {
  readonly config: Pick<Config, 'issuer' | 'ttl'>;
  readonly store: Store;
  readonly linkTable: LinkStore;
  readonly vault: Vault;
}

/** How long the form may be sent again until a password meets the policy. */
export const REDEMPTION_LIFETIME = 900_000;

export function createOneTimeLinks({ config, store, linkTable, vault }: Needs): OneTimeLinks {
  const { reset_link, invitation, not_me_link } = config.ttl;
  const seconds = { 'reset-password': reset_link, invitation, 'not-me': not_me_link };
  const digestOf = (secret: string) => vault.digest('one-time-link', secret);
  const digestOfRedemption = (redemption: string) => vault.digest('one-time-ticket', redemption);

  const findRedeemed = (redemption: string) =>
    linkTable.findRedeemed(digestOfRedemption(redemption), now());

  const find: OneTimeLinks['find'] = async (secret, redemption) => {
    const link = await linkTable.find(digestOf(secret), now());
    if (link && link.usedAt === undefined) return 'open';
    const going = redemption === undefined ? undefined : await findRedeemed(redemption);
    return going?.digest === digestOf(secret) ? 'going-on' : undefined;
  };

  return {
    find,
    findRedeemed,
    create: ({ id, generation }, purpose, createdBy) => {
      const secret = randomId(256);
      const expiresAt = now() + seconds[purpose] * 1000;
      const digest = digestOf(secret);
      const row = { id: randomId(), accountId: id, purpose, digest, generation, expiresAt };
      const unit = [linkTable.insert({ ...row, createdBy }, now())];
      const path = purpose === 'not-me' ? NOT_ME_PATH : RESET_PATH;
      return { unit, url: `${config.issuer}${path}/${secret}`, expiresAt };
    },
    spend: async (secret) => {
      const redemption = randomId(256);
      const digest = digestOfRedemption(redemption);
      const held = { digest, expiresAt: now() + REDEMPTION_LIFETIME };
      const isDone = await store.tryCommit([linkTable.spend(digestOf(secret), held, now())]);
      return isDone ? redemption : undefined;
    },
    endRedemption: (redemption) => linkTable.endRedemption(digestOfRedemption(redemption), now()),
    findDisowning: async (secret) => {
      const link = await linkTable.findDisowning(digestOf(secret), now());
      if (!link) return undefined;
      return { accountId: link.accountId, state: link.usedAt === undefined ? 'open' : 'used' };
    },
    spendDisowning: (accountId, secret) => [
      linkTable.spendDisowning(digestOf(secret), now()),
      linkTable.endDisowning(accountId, now()),
    ],
  };
}
