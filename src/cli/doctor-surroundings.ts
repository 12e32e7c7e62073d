// What doctor says about the way in and the ways out: proxies, mails, and calls to private addresses.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mailDoubts, otherDoubts } from '../config/doubts.ts';
import type { Config } from '../config/schema.ts';
import { findForwarding } from '../domain/untrusted-forwarding.ts';
import { isWithin, parseAddress, parseSubnet } from '../lib/addresses.ts';
import { now } from '../lib/clock.ts';
import { findPrivateHosts, hostOf } from '../lib/private-hosts.ts';
import { lookInside } from './core.ts';

/** It works, and is probably not what was meant. */
export interface Warning {
  readonly warning: string;
}

export type Says = string | Warning;

export async function checkConfiguration(config: Config): Promise<Says> {
  const doubts = otherDoubts(config);
  return doubts.length === 0 ? 'no contradictions' : { warning: doubts.join('; ') };
}

export async function checkMail(config: Config): Promise<Says> {
  const folder = join(config.data_dir, 'outbox');
  const count = countMails(folder);
  const [doubt] = mailDoubts(config);
  if (doubt !== undefined) return { warning: `${doubt} (${count} there now)` };
  const { smtp_url: url } = config.mail;
  if (url === undefined) return `each mail becomes a file in ${folder} (${count} there now)`;
  const unsent = count > 0 ? `; ${count} from before, never sent, in ${folder}` : '';
  return `sent by ${new URL(url).host}${unsent}`;
}

function countMails(folder: string): number {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.eml')).length;
  } catch {
    return 0;
  }
}

/** Nobody knows whether it is a proxy: whoever asks may send such a header. */
export async function checkProxies({ trusted_proxies: proxies }: Config): Promise<Says> {
  const seen = await lookInside(({ settingTable }) => findForwarding(settingTable, now()));
  const address = seen && parseAddress(seen.peer);
  if (!address || isWithin(address, proxies.map(parseSubnet))) {
    return proxies.length > 0 ? `trusted: ${proxies.join(', ')}` : 'none trusted, none seen';
  }
  return {
    warning: `requests arrive with X-Forwarded-For from an address that is not trusted: ${seen.peer}, at ${seen.at}. If it is a proxy of yours, add it to TRUSTED_PROXIES (trusted_proxies)`,
  };
}

const CALLED = ['backchannel_logout_uri', 'jwks_uri', 'sector_identifier_uri'] as const;

/** Each of the addresses of one registration that Gatehouse would call, and does not. */
export async function refusedCalls(
  metadata: Readonly<Record<string, unknown>>,
  { outgoing }: Pick<Config, 'outgoing'>,
): Promise<readonly string[]> {
  if (outgoing.allow_private) return [];
  const uris = calledBy(metadata);
  const hosts = await findPrivateHosts(uris);
  return uris.flatMap((uri) => describe(uri, hosts));
}

export async function checkCalls({ outgoing, sms }: Config): Promise<Says> {
  if (outgoing.allow_private) return 'private addresses are allowed (outgoing.allow_private)';
  const all: Array<readonly [who: string, uri: string]> = [];
  if (sms.webhook_url !== undefined) all.push(['sms.webhook_url', sms.webhook_url]);
  await lookInside(async ({ clients }) => {
    for await (const { id, metadata } of clients.list()) {
      all.push(...calledBy(metadata).map((uri) => [id, uri] as const));
    }
  });
  const hosts = await findPrivateHosts(all.map(([, uri]) => uri));
  const refused = all.flatMap(([who, uri]) => describe(uri, hosts).map((say) => `${who}: ${say}`));
  return refused.length === 0 ? 'none uses a private address' : { warning: refused.join('; ') };
}

function calledBy(metadata: Readonly<Record<string, unknown>>): string[] {
  return CALLED.map((name) => metadata[name]).filter((uri) => typeof uri === 'string');
}

function describe(uri: string, hosts: ReadonlyMap<string, string>): string[] {
  const address = hosts.get(hostOf(uri) ?? '');
  if (address === undefined) return [];
  return [
    `${uri} is at a private address (${address}) and is never called while outgoing.allow_private is off`,
  ];
}
