// Which of some addresses lead to private hosts, where calls are refused unless they are allowed.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPublic } from './addresses.ts';

/** Milliseconds for all look-ups together; a name that takes longer is not judged. */
const LONGEST = 3_000;
/** Names that are looked up at most. */
const MOST = 200;

/** @returns for each host that is private, or has a private address: that address */
export async function findPrivateHosts(
  uris: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const hosts = new Set(uris.flatMap((uri) => hostOf(uri) ?? []));
  const found = new Map<string, string>();
  const look = async (host: string) => {
    const address = (await addressesOf(host)).find((each) => !isPublic(each));
    if (address !== undefined) found.set(host, address);
  };
  const all = Promise.all([...hosts].slice(0, MOST).map(look));
  await Promise.race([all, sleep(LONGEST, undefined, { ref: false })]);
  return new Map(found);
}

/** Without the brackets of an IPv6 address. */
export function hostOf(uri: string): string | undefined {
  const host = URL.parse(uri)?.hostname.replace(/^\[(.*)\]$/, '$1');
  return host === '' ? undefined : host;
}

async function addressesOf(host: string): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.map(({ address }) => address);
}
