// "This wasn't me": what the link in the mail about a new browser ends, and where it leads.
import type { Account, AccountTable } from '../../store/accounts.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { Mails } from '../notices/mails.ts';
import type { FoundDisowning, OneTimeLinks } from './links.ts';
import { type EndsWithPassword, endsWithPassword, resetMail } from './password-resets.ts';

export interface Disowning {
  /** Undefined for a link that has expired, or is none. */
  find(secret: string): Promise<FoundDisowning['state'] | undefined>;
  /**
   * Ends all that is signed in, trusted or known, and the password with it: whoever signed in knew
   * it. A reset link is mailed to the owner.
   * @returns undefined for a link that has expired, or is none
   */
  disown(secret: string): Promise<'done' | undefined>;
}

interface Needs extends Omit<EndsWithPassword, 'limits'> {
  readonly store: Store;
  readonly accountTable: AccountTable;
  readonly links: OneTimeLinks;
  readonly mails: Mails;
  readonly audit: Audit;
}

/** Other changes of the account that may come between reading and writing it. */
const TRIES = 5;

export function createDisowning(needs: Needs): Disowning {
  const { store, accountTable, links } = needs;
  return {
    find: async (secret) => (await links.findDisowning(secret))?.state,
    disown: async (secret) => {
      for (let tries = 1; tries <= TRIES; tries += 1) {
        const found = await links.findDisowning(secret);
        const account = found && (await accountTable.find(found.accountId));
        if (!found || !account) return undefined;
        if (found.state === 'used') return 'done';
        const isDone = await store.tryCommit(await unitOf(account, secret, needs));
        if (isDone) return 'done';
      }
      return undefined;
    },
  };
}

/** The account comes first: of changes side by side one is written. */
async function unitOf(account: Account, secret: string, needs: Needs) {
  const { id, generation } = account;
  const { accountTable, links, audit } = needs;
  return [
    accountTable.dropPassword(id, generation),
    ...links.spendDisowning(id, secret),
    ...(await endsWithPassword(account, 'sign-in disowned', needs)),
    audit.record({ kind: 'account.sign_in_disowned', accountId: id, actor: id }),
    ...resetMail({ ...account, generation: generation + 1 }, needs),
  ];
}
