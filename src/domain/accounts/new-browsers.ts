// Mails the owner of an account who signs in from a browser that the account did not know.
import type { Config } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import type { Account } from '../../store/accounts.ts';
import type { Unit } from '../../store/statement.ts';
import type { Audit } from '../audit/audit.ts';
import type { Requester } from '../limits/requester.ts';
import type { Notices } from '../notices/notices.ts';
import type { OneTimeLinks } from './links.ts';

export interface NewBrowsers {
  /** Belongs into the unit of the sign-in: the mail with its link, or nothing. */
  noticeOf(account: Account, signIn: FinishedSignIn): Promise<Unit>;
}

export interface FinishedSignIn {
  readonly requester: Requester;
  readonly clientId: string;
  /** Of the account, as the sign-in leaves it. */
  readonly generation: number;
  /** The account knew the browser, or the token of the application, already. */
  readonly isKnown: boolean;
}

interface Needs {
  readonly config: Pick<Config, 'notices'>;
  readonly links: OneTimeLinks;
  readonly notices: Notices;
  readonly audit: Pick<Audit, 'newest'>;
}

/** Longer than anybody takes to accept an invitation, and shorter than the audit is kept. */
const NEW_FOR = 30 * 86_400_000;
const LOOKED_AT = 20;

export function createNewBrowsers({ config, links, notices, audit }: Needs): NewBrowsers {
  /**
   * Nobody is mailed about the first sign-in of a new account. One that has signed in elsewhere
   * before it came here may have brought a stolen password along: there the first one counts, too.
   */
  const isFirst = async ({ id, existing, createdAt }: Account): Promise<boolean> => {
    if (existing || createdAt <= now() - NEW_FOR) return false;
    const rows = await audit.newest({ accountId: id, kind: 'sign_in.finished' }, LOOKED_AT);
    return rows.length < LOOKED_AT && rows.every(({ outcome }) => outcome !== 'ok');
  };

  return {
    noticeOf: async (account, { requester, clientId, generation, isKnown }) => {
      if (!config.notices.new_browser || isKnown) return [];
      // An application that keeps no token is new at each sign-in: once a day is enough.
      const offerContext = requester.application ? clientId : undefined;
      if (offerContext && (await notices.wasTold(account.id, 'new-browser', offerContext)))
        return [];
      if (await isFirst(account)) return [];
      const link = links.create({ id: account.id, generation }, 'not-me', 'visitor');
      const { address, userAgent } = requester;
      const notice = {
        kind: 'new-browser',
        userAgent,
        address,
        at: now(),
        link: link.url,
        expires: link.expiresAt,
      } as const;
      const told = offerContext
        ? notices.tellOn(account.id, notice, offerContext)
        : notices.noticeFor(account, notice);
      return [...link.unit, told];
    },
  };
}
