// Browsers that a person has signed in with: strangers' failures do not stop them.
import type { LimitsConfig } from '../config/schema.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import type { Vault } from '../lib/vault.ts';
import type { KnownBrowsers as KnownBrowserStore } from '../store/known-browsers.ts';
import type { Statement, Unit } from '../store/statement.ts';

/** For whom a browser is looked up: an account, or whatever account has an e-mail address. */
export type Whose = { readonly accountId: string } | { readonly emailKey: string };

export interface KnownBrowsers {
  /** The row of this account's browser. The cookie may be anything. */
  find(whose: Whose, cookie: string | undefined): Promise<string | undefined>;
  /** Statements that make the browser known or renew it, and the cookie it is to keep. */
  remember(accountId: string, cookie: string | undefined): Promise<Remembered>;
  /** For a reset and `Sign out everywhere`; with a cookie all but the browser that holds it. */
  forget(accountId: string, except?: string): Promise<Statement>;
}

export interface Remembered {
  readonly unit: Unit;
  /** Its row, if it was known before. */
  readonly row: string | undefined;
  readonly cookie: string;
}

interface Needs {
  readonly config: LimitsConfig['known_browsers'];
  readonly browsers: KnownBrowserStore;
  readonly vault: Vault;
}

/** Accounts that one browser is known to, at most; the store asks for as many at once. */
const LONGEST = 5;
const SHAPE = /^(?:[\w-]{43}\.){1,5}[\w-]{43}$/;

/**
 * The cookie holds an id of 256 bits for each account and a signature over them. Ids are never
 * shared: one that was planted in a browser becomes known to nobody who signs in there.
 */
export function createKnownBrowsers({ config, browsers, vault }: Needs): KnownBrowsers {
  const lifetime = config.lifetime * 1000;
  const digest = (id: string) => vault.digest('known-browser', id);
  const sign = (ids: readonly string[]) => {
    const text = ids.join('.');
    return `${text}.${vault.digest('known-browser-cookie', text)}`;
  };

  const read = (cookie: string | undefined): readonly string[] => {
    if (!cookie || !SHAPE.test(cookie)) return [];
    const end = cookie.lastIndexOf('.');
    const text = cookie.slice(0, end);
    const isOurs = vault.matches('known-browser-cookie', text, cookie.slice(end + 1));
    return isOurs ? text.split('.') : [];
  };

  const findRow = async (whose: Whose, ids: readonly string[]) => {
    if (ids.length === 0) return undefined;
    const digests = ids.map(digest);
    return 'accountId' in whose
      ? browsers.find(whose.accountId, digests, now())
      : browsers.findByEmailKey(whose.emailKey, digests, now());
  };

  const add = (accountId: string): { unit: Unit; id: string } => {
    const at = now();
    const id = randomId(256);
    const row = { id: randomId(), accountId, digest: digest(id), at, expiresAt: at + lifetime };
    const trim = browsers.trim(accountId, config.per_account);
    return { id, unit: [browsers.insert(row), trim] };
  };

  return {
    find: async (whose, cookie) => (await findRow(whose, read(cookie)))?.id,
    remember: async (accountId, cookie) => {
      const ids = read(cookie);
      const row = await findRow({ accountId }, ids);
      if (row) {
        const unit = [browsers.touch(row.id, now(), now() + lifetime)];
        return {
          unit,
          row: row.id,
          cookie: sign(newestFirst(ids, (id) => digest(id) === row.digest)),
        };
      }
      const { id, unit } = add(accountId);
      return { unit, row: undefined, cookie: sign([id, ...ids].slice(0, LONGEST)) };
    },
    forget: async (accountId, except) => {
      const row = await findRow({ accountId }, read(except));
      return browsers.deleteOf(accountId, row?.id);
    },
  };
}

function newestFirst(ids: readonly string[], isNewest: (id: string) => boolean): string[] {
  return [...ids.filter(isNewest), ...ids.filter((id) => !isNewest(id))];
}
