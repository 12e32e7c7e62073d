// Browsers and applications that a person has signed in with: strangers' failures do not stop them.
import type { LimitsConfig } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { Vault } from '../../lib/vault.ts';
import type { KnownBrowser, KnownBrowserTable } from '../../store/known-browsers.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { CallingApplication, Requester } from '../limits/requester.ts';

/** For whom a browser is looked up: an account, or whatever account has an e-mail address. */
export type Whose = { readonly accountId: string } | { readonly normalizedEmail: string };

/** By what a visitor may be known. It may be anything. */
export type Held = Pick<Requester, 'browser' | 'application'>;

export interface KnownBrowsers {
  /** The row of this account's browser, or of its device with an application. */
  find(whose: Whose, held: Held): Promise<KnownBrowser | undefined>;
  /** Statements that make the visitor known or renew it, and what it is to keep. */
  remember(accountId: string, held: Held, hasFactor: boolean): Promise<Remembered>;
  /** Keyed hash of a `device_token`: it counts for the application that got it alone. */
  deviceOf(clientId: string, token: string): string;
  /** The row of a browser in which anybody has signed in. */
  findAny(cookie: string | undefined): Promise<string | undefined>;
  /** For a reset and `Sign out everywhere`; with a cookie all but the browser that holds it. */
  forget(accountId: string, except?: string): Promise<Statement>;
}

export interface Remembered {
  readonly unit: Unit;
  /** Its row, if it was known before. */
  readonly row: string | undefined;
  /** A cookie, or a `device_token`. */
  readonly kept: string;
}

interface Needs {
  readonly config: LimitsConfig['known_browsers'];
  readonly knownBrowserTable: KnownBrowserTable;
  readonly vault: Vault;
}

/** Accounts that one browser is known to, at most; the store asks for as many at once. */
const LONGEST = 5;
const SHAPE = /^(?:[\w-]{43}\.){1,5}[\w-]{43}$/;

/**
 * The cookie holds an id of 256 bits for each account and a signature over them. Ids are never
 * shared: one that was planted in a browser becomes known to nobody who signs in there.
 */
export function createKnownBrowsers({ config, knownBrowserTable, vault }: Needs): KnownBrowsers {
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

  /** Made again from its row: an application that sends it gets the same one. */
  const tokenOf = (id: string, accountId: string, clientId: string) =>
    `${id}.${vault.digest('device-token', JSON.stringify([id, accountId, clientId]))}`;
  const deviceOf: KnownBrowsers['deviceOf'] = (clientId, token) =>
    vault.digest('known-device', JSON.stringify([clientId, token]));

  const findRow = async (whose: Whose, digests: readonly string[]) => {
    if (digests.length === 0) return undefined;
    return 'accountId' in whose
      ? knownBrowserTable.find(whose.accountId, digests, now())
      : knownBrowserTable.findByNormalizedEmail(whose.normalizedEmail, digests, now());
  };

  const digestsOf = ({ browser, application }: Held): readonly string[] => {
    if (application) return application.device === undefined ? [] : [application.device];
    return read(browser).map(digest);
  };

  type Made = Pick<KnownBrowser, 'id' | 'digest' | 'hasFactor'>;
  const add = (accountId: string, made: Made, clientId: string | undefined): Unit => {
    const at = now();
    const row = { ...made, accountId, at, expiresAt: at + lifetime, clientId };
    return [
      knownBrowserTable.insert(row),
      knownBrowserTable.trim(accountId, config.per_account, clientId),
    ];
  };

  const touch = (id: string, hasFactor: boolean): Unit => [
    knownBrowserTable.touch(id, now(), now() + lifetime, hasFactor),
  ];

  const rememberBrowser = async (
    accountId: string,
    cookie: string | undefined,
    hasFactor: boolean,
  ): Promise<Remembered> => {
    const ids = read(cookie);
    const row = await findRow({ accountId }, ids.map(digest));
    if (row) {
      const kept = sign(newestFirst(ids, (id) => digest(id) === row.digest));
      return { unit: touch(row.id, hasFactor), row: row.id, kept };
    }
    const id = randomId(256);
    const made = { id: randomId(), digest: digest(id), hasFactor };
    const kept = sign([id, ...ids].slice(0, LONGEST));
    return { unit: add(accountId, made, undefined), row: undefined, kept };
  };

  const rememberDevice = async (
    accountId: string,
    application: CallingApplication,
    hasFactor: boolean,
  ): Promise<Remembered> => {
    const { clientId } = application;
    const row = await findRow({ accountId }, digestsOf({ browser: undefined, application }));
    if (row) {
      const kept = tokenOf(row.id, accountId, clientId);
      return { unit: touch(row.id, hasFactor), row: row.id, kept };
    }
    const id = randomId();
    const kept = tokenOf(id, accountId, clientId);
    const made = { id, digest: deviceOf(clientId, kept), hasFactor };
    return { unit: add(accountId, made, clientId), row: undefined, kept };
  };

  return {
    find: (whose, held) => findRow(whose, digestsOf(held)),
    deviceOf,
    remember: (accountId, { browser, application }, hasFactor) =>
      application
        ? rememberDevice(accountId, application, hasFactor)
        : rememberBrowser(accountId, browser, hasFactor),
    findAny: async (cookie) => {
      const ids = read(cookie);
      return ids.length === 0 ? undefined : knownBrowserTable.findAny(ids.map(digest), now());
    },
    forget: async (accountId, except) => {
      const row = await findRow({ accountId }, read(except).map(digest));
      return knownBrowserTable.deleteOf(accountId, row?.id);
    },
  };
}

function newestFirst(ids: readonly string[], isNewest: (id: string) => boolean): string[] {
  return [...ids.filter(isNewest), ...ids.filter((id) => !isNewest(id))];
}
