// The ways to a PostgreSQL server that a URL names: each host, with and without TLS as it says.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import { type PostgresUrl, parsePostgresUrl } from '../lib/postgres-url.ts';

/** One way to a server. */
export type Way = pg.ClientConfig;

export interface PostgresAddress {
  /** In the order in which they are tried; there is at least one. */
  readonly ways: readonly Way[];
  /** Only a server that takes writes will do. */
  readonly wantsPrimary: boolean;
  /** What the driver says, without the password. */
  withoutPassword(text: string): string;
}

/** Throws where the URL, or a file that it names, cannot be read. */
export function addressFrom(url: string): PostgresAddress {
  const parsed = parsePostgresUrl(url);
  const { user, password, database, options, wantsPrimary } = parsed;
  const common = {
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(options === undefined ? {} : { options }),
    application_name: parsed.applicationName ?? 'gatehouse',
  };
  const tls = parsed.sslmode === 'disable' ? undefined : tlsOf(parsed);
  const ways = parsed.hosts.flatMap((place) =>
    kindsOf(parsed, place.host).map((isTls) => ({
      ...common,
      ...place,
      ssl: (isTls && tls) || false,
      ...(isTls && parsed.sslnegotiation ? { sslnegotiation: parsed.sslnegotiation } : {}),
    })),
  );
  return { ways, wantsPrimary, withoutPassword: createRedaction(password) };
}

/** libpq asks for no TLS over a socket. */
function kindsOf({ sslmode }: PostgresUrl, host: string): readonly boolean[] {
  if (host.startsWith('/') || sslmode === 'disable') return [false];
  if (sslmode === 'allow') return [false, true];
  return sslmode === 'prefer' ? [true, false] : [true];
}

function tlsOf({ sslmode, ...files }: PostgresUrl): ConnectionOptions {
  const { sslrootcert: root, sslcert, sslkey } = files;
  const own = {
    ...(sslcert === undefined ? {} : { cert: read('sslcert', sslcert) }),
    ...(sslkey === undefined ? {} : { key: read('sslkey', sslkey) }),
  };
  const ca = root === undefined || root === 'system' ? {} : { ca: read('sslrootcert', root) };
  if (sslmode === 'verify-full') return { ...own, ...ca };
  // As in libpq: `require` with a root certificate is `verify-ca`.
  const isVerified = sslmode === 'verify-ca' || (sslmode === 'require' && root !== undefined);
  if (!isVerified) return { ...own, rejectUnauthorized: false };
  return { ...own, ...ca, checkServerIdentity: () => undefined };
}

function read(parameter: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`DATABASE_URL: the file of ${parameter} cannot be read (${code ?? message}).`, {
      cause: error,
    });
  }
}

function createRedaction(password: string | undefined): (text: string) => string {
  if (!password) return (text) => text;
  const forms = [password, encodeURIComponent(password)];
  return (text) => forms.reduce((left, form) => left.replaceAll(form, '…'), text);
}

/** For messages: where it leads, without who goes there. */
export function nameOf({ host, port }: Way): string {
  const place = host && isIP(host) === 6 ? `[${host}]` : host;
  return `${place}:${port}`;
}
