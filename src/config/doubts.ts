// What a configuration may say, and hardly anybody means: told at the start and by `doctor`.
import { isIP } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { isPublic, parseSubnet } from '../lib/addresses.ts';
import type { Config } from './schema.ts';

/** One sentence for each, with the option to change. */
export function doubtsOf(config: Config): readonly string[] {
  return [...mailDoubts(config), ...otherDoubts(config)];
}

export function mailDoubts({ env, mail, data_dir: folder }: Config): readonly string[] {
  if (env !== 'production' || mail.smtp_url !== undefined) return [];
  const outbox = join(folder, 'outbox');
  return [`SMTP_URL (mail.smtp_url) is not set: no mail is sent, each becomes a file in ${outbox}`];
}

export function otherDoubts(config: Config): readonly string[] {
  const production = config.env === 'production';
  return [
    ...proxyDoubts(config),
    ...smsDoubts(config),
    ...httpDoubts(config),
    ...(production ? productionDoubts(config) : []),
  ];
}

function productionDoubts(config: Config): string[] {
  const isMute = config.log_level === 'silent';
  return [
    ...senderDoubts(config),
    ...folderDoubts(config),
    ...(isMute ? ['LOG_LEVEL (log_level) is silent: no failure is ever logged'] : []),
  ];
}

/** Leading bits of a range that is larger than anybody's network. */
const FEW_BITS = { ipv4: 7, ipv6: 15 };

function proxyDoubts({ trusted_proxies: proxies }: Config): string[] {
  return proxies
    .filter((range) => {
      const [network, bits] = parseSubnet(range);
      return bits <= FEW_BITS[network.kind()];
    })
    .map(
      (range) =>
        `TRUSTED_PROXIES (trusted_proxies) has ${range}: anyone in that range can claim any address, so limits by address don't hold. Name your proxies only`,
    );
}

function smsDoubts({ env, sms, outgoing }: Config): string[] {
  const { enabled, webhook_url: url } = sms;
  if (!enabled) {
    return url ? ['sms.webhook_url is set, but sms.enabled is off: no texts are offered'] : [];
  }
  if (!url) {
    const isMissing = env === 'production';
    return isMissing ? ['sms.enabled is on without sms.webhook_url: no texts are offered'] : [];
  }
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
  const isPrivate = host === 'localhost' || (isIP(host) !== 0 && !isPublic(host));
  if (!isPrivate || outgoing.allow_private) return [];
  return [`sms.webhook_url is at a private address (${host}): set outgoing.allow_private`];
}

function httpDoubts({ http, ttl }: Config): string[] {
  const { headers_timeout: headers, request_timeout: request } = http;
  return [
    ...(headers > request
      ? ['http.headers_timeout is longer than http.request_timeout, so it has no effect']
      : []),
    ...(ttl.session_idle > ttl.session
      ? ['ttl.session_idle is longer than ttl.session, so it has no effect']
      : []),
  ];
}

function senderDoubts({ issuer, mail }: Config): string[] {
  if (mail.smtp_url === undefined) return [];
  const { hostname } = new URL(issuer);
  const { password, protocol, searchParams } = new URL(mail.smtp_url);
  const isMailHost = hostname.includes('.') && isIP(hostname) === 0;
  const insists = protocol === 'smtps:' || searchParams.get('requireTLS') === 'true';
  return [
    ...(mail.from === undefined && !isMailHost
      ? [`mail.from is not set, and no-reply@${hostname} can't receive answers`]
      : []),
    ...(password && !insists
      ? ['SMTP_URL has a password but may send it without TLS: use smtps:// or ?requireTLS=true']
      : []),
  ];
}

function folderDoubts({ data_dir: folder, database_url: url }: Config): string[] {
  if (url !== undefined || isAbsolute(folder)) return [];
  return [
    `DATA_DIR (data_dir) is "${folder}": started from another folder, Gatehouse finds another database. Use an absolute path`,
  ];
}
