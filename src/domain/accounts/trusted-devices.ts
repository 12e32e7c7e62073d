// "Remember this device": a cookie and a row that stand in for the second factor for some weeks.
import { now } from '../../lib/clock.ts';
import { isGatehouseError } from '../../lib/errors.ts';
import { randomId } from '../../lib/ids.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Statement } from '../../store/statement.ts';
import type { TrustedDevice, TrustedDeviceTable } from '../../store/trusted-devices.ts';
import type { Requester } from '../limits/requester.ts';

export type DeviceFound =
  | { readonly kind: 'none' }
  | { readonly kind: 'trusted'; readonly id: string }
  /** The browser sent a cookie that does not count: it is to be removed. */
  | { readonly kind: 'ignored'; readonly reason: string };

export interface Owner {
  readonly id: string;
  readonly generation: number;
}

export interface TrustedDevices {
  /** What the browser's cookie for this account is worth. It may be anything. */
  find(owner: Owner, requester: Requester): Promise<DeviceFound>;
  /** A row for this browser, and the cookies by which it is known: undefined ones are removed. */
  trust(owner: Owner, requester: Requester): Trusted;
  /** Must hit: it is still trusted. */
  touch(id: string): Statement;
  /** Must hit. */
  forget(accountId: string, id: string): Statement;
  forgetAll(accountId: string): Statement;
  list(owner: Owner): Promise<TrustedDevice[]>;
  /** The end of the name of this account's cookie: tells nobody whose it is. */
  cookieOf(accountId: string): string;
}

export interface Trusted {
  readonly unit: readonly Statement[];
  readonly cookies: ReadonlyMap<string, string | undefined>;
}

interface Needs {
  readonly config: { readonly days: number };
  readonly trustedDeviceTable: TrustedDeviceTable;
  readonly vault: Vault;
}

interface Sealed {
  readonly account: string;
  readonly id: string;
  readonly secret: string;
  readonly at: number;
}

const DAY = 86_400_000;
const PER_BROWSER = 5;
const PURPOSE = 'trusted-device';
const LONGEST_AGENT = 400;

export function createTrustedDevices({ config, trustedDeviceTable, vault }: Needs): TrustedDevices {
  const digest = (secret: string) => vault.digest(PURPOSE, secret);
  const cookieOf = (accountId: string) => vault.digest(`${PURPOSE}-name`, accountId).slice(0, 8);

  const read = (cookie: string): Sealed | undefined => {
    try {
      return JSON.parse(vault.open(cookie, PURPOSE)) as Sealed;
    } catch (error) {
      if (isGatehouseError(error) || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };

  const recognise = async (owner: Owner, cookie: string): Promise<DeviceFound> => {
    const sealed = read(cookie);
    if (!sealed) return ignored('the cookie does not decrypt');
    if (sealed.account !== owner.id) return ignored('the cookie is of another account');
    const row = await trustedDeviceTable.find(sealed.id);
    if (!row || row.accountId !== owner.id) return ignored('the device was forgotten');
    if (!vault.matches(PURPOSE, sealed.secret, row.digest)) return ignored('the secret is wrong');
    if (row.expiresAt <= now()) return ignored('the trust has expired');
    if (row.generation !== owner.generation) return ignored('credentials have changed since');
    return { kind: 'trusted', id: row.id };
  };

  const trust = ({ id: account, generation }: Owner, requester: Requester): Trusted => {
    const at = now();
    const [id, secret] = [randomId(), randomId(256)];
    const row = {
      id,
      accountId: account,
      digest: digest(secret),
      generation,
      userAgent: requester.userAgent.slice(0, LONGEST_AGENT),
      usedAt: at,
      expiresAt: at + config.days * DAY,
      createdAt: at,
    };
    const cookie = vault.seal(JSON.stringify({ account, id, secret, at }), PURPOSE);
    const own = cookieOf(account);
    const surplus = surplusOf([...requester.devices].filter(([name]) => name !== own));
    return {
      unit: [trustedDeviceTable.insert(row)],
      cookies: new Map([[own, cookie], ...surplus.map((name) => [name, undefined] as const)]),
    };
  };

  /** The oldest ones, unreadable ones first, so that there is room for one more. */
  const surplusOf = (others: ReadonlyArray<readonly [string, string]>): string[] => {
    const byAge = others.map(([name, cookie]) => ({ name, at: read(cookie)?.at ?? 0 }));
    const newestFirst = byAge.toSorted((a, b) => b.at - a.at);
    return newestFirst.slice(PER_BROWSER - 1).map(({ name }) => name);
  };

  return {
    cookieOf,
    trust,
    find: async (owner, requester) => {
      const cookie = requester.devices.get(cookieOf(owner.id));
      return cookie === undefined ? { kind: 'none' } : recognise(owner, cookie);
    },
    touch: (id) => trustedDeviceTable.touch(id, now()),
    forget: trustedDeviceTable.delete,
    forgetAll: trustedDeviceTable.deleteOf,
    list: ({ id, generation }) => trustedDeviceTable.ofAccount(id, generation, now()),
  };
}

function ignored(reason: string): DeviceFound {
  return { kind: 'ignored', reason };
}
