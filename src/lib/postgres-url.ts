// Reads the URL of a PostgreSQL database as libpq does, and names the part that cannot be read.

export interface PostgresUrl {
  /** In the order in which they are tried. A host that begins with a slash is a folder of sockets. */
  readonly hosts: ReadonlyArray<{ readonly host: string; readonly port: number }>;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslmode: SslMode;
  /** `system`: those that this machine trusts. */
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  readonly sslnegotiation: 'postgres' | 'direct' | undefined;
  readonly applicationName: string | undefined;
  /** Command-line options for the session, as in `-c search_path=gatehouse`. */
  readonly options: string | undefined;
  /** Only a server that takes writes will do. */
  readonly wantsPrimary: boolean;
}

export const SSL_MODES = [
  'disable',
  'allow',
  'prefer',
  'require',
  'verify-ca',
  'verify-full',
] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** What cannot be read, without a word of what stands there. */
export class PostgresUrlError extends Error {}

/** Those of libpq that mean nothing here, and `uselibpqcompat`, which asks for what is done anyway. */
const WITHOUT_MEANING = [
  'connect_timeout',
  'client_encoding',
  'keepalives',
  'gssencmode',
  'channel_binding',
  'uselibpqcompat',
];
const KNOWN = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'ssl',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'application_name',
  'options',
  'target_session_attrs',
];

const USUAL_PORT = 5432;
const HOSTS = String.raw`((?:\[[^\]@/]*\]|[^@/?:,[\]]*)(?::\d*)?(?:,(?:\[[^\]@/]*\]|[^@/?:,[\]]*)(?::\d*)?)*)`;
const AFTER_HOSTS = String.raw`(?:\/([^?@]*))?(?:\?(.*))?$`;
const START = String.raw`^postgres(?:ql)?:\/\/`;
const BY_THE_BOOK = new RegExp(`${START}(?:([^@/?]*)@)?${HOSTS}${AFTER_HOSTS}`, 's');
/** A password with characters that the book wants encoded: it ends at the last `@` before a host. */
const AS_TYPED = new RegExp(`${START}(.*)@${HOSTS}${AFTER_HOSTS}`, 's');

export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text);
}

/** Throws {@link PostgresUrlError}. */
export function parsePostgresUrl(text: string): PostgresUrl {
  const found = BY_THE_BOOK.exec(text) ?? AS_TYPED.exec(text);
  if (!found) throw new PostgresUrlError(whyNoUrl(text));
  const [, credentials, hosts = '', database, query] = found;
  const given = parametersOf(query);
  const [user, password] = splitAtFirst(credentials ?? '', ':');
  const mode = sslModeOf(given);
  return {
    hosts: hostsOf(hosts, given),
    user: decode(user) || given.get('user'),
    password: (password === undefined ? undefined : decode(password)) ?? given.get('password'),
    database: decode(database ?? '') || given.get('dbname'),
    sslmode: mode,
    sslrootcert: rootOf(given, mode),
    sslcert: given.get('sslcert'),
    sslkey: given.get('sslkey'),
    sslnegotiation: negotiationOf(given.get('sslnegotiation')),
    applicationName: given.get('application_name'),
    options: given.get('options'),
    wantsPrimary: wantsPrimary(given.get('target_session_attrs')),
  };
}

function whyNoUrl(text: string): string {
  if (!isPostgresUrl(text)) return 'must be postgres://USER:PASSWORD@HOST:PORT/DATABASE';
  const rest = text.slice(text.indexOf('//') + 2);
  const afterCredentials = rest.slice(rest.lastIndexOf('@') + 1);
  const [place = ''] = afterCredentials.split(/[/?]/);
  if (place.includes('[') !== place.includes(']')) return 'the host has one bracket of two';
  if (/:[^\d,]|:\d+[^\d,]/.test(place)) return "the port isn't a number";
  return 'the host cannot be read: percent-encode special characters of user and password';
}

function parametersOf(query = ''): ReadonlyMap<string, string> {
  const given = new Map<string, string>();
  for (const pair of query.split('&').filter(Boolean)) {
    const [name, value] = splitAtFirst(pair, '=');
    const word = decode(name);
    if (value === undefined) throw new PostgresUrlError(`the parameter ${quoted(word)} has no "="`);
    if (WITHOUT_MEANING.includes(word)) continue;
    if (!KNOWN.includes(word))
      throw new PostgresUrlError(`does not know the parameter ${quoted(word)}`);
    given.set(word, decode(value));
  }
  return given;
}

const quoted = (word: string) => `"${word.slice(0, 40)}"`;

function hostsOf(inUrl: string, given: ReadonlyMap<string, string>): PostgresUrl['hosts'] {
  const pairs = inUrl.split(',').map((each) => {
    const [, name = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(each) ?? [];
    return [decode(name).replace(/^\[(.*)\]$/, '$1'), port] as const;
  });
  const names = given.get('host')?.split(',') ?? pairs.map(([name]) => name);
  const ports = given.get('port')?.split(',') ?? pairs.map(([, port]) => port);
  if (ports.length !== 1 && ports.length !== names.length) {
    throw new PostgresUrlError(`names ${names.length} hosts and ${ports.length} ports`);
  }
  return names.map((name, index) => ({
    host: name || 'localhost',
    port: portOf(ports[index] ?? ports[0] ?? ''),
  }));
}

function portOf(text: string): number {
  if (text === '') return USUAL_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new PostgresUrlError('the port must be a number from 1 to 65535');
}

/** Also the words that the driver has beside those of libpq. */
function sslModeOf(given: ReadonlyMap<string, string>): SslMode {
  const ofDriver = { true: 'verify-full', '1': 'verify-full', '0': 'disable', false: 'disable' };
  const switched = given.get('ssl');
  const root = given.get('sslrootcert');
  const unset = root === 'system' ? 'verify-full' : 'prefer';
  const fromSwitch = ofDriver[switched as keyof typeof ofDriver] ?? switched;
  const word = given.get('sslmode') ?? fromSwitch ?? unset;
  const mode = word === 'no-verify' ? 'require' : (word as SslMode);
  if (SSL_MODES.includes(mode)) return mode;
  throw new PostgresUrlError(`sslmode must be one of ${SSL_MODES.join(', ')}`);
}

function rootOf(given: ReadonlyMap<string, string>, mode: SslMode): string | undefined {
  const root = given.get('sslrootcert');
  if (mode === 'verify-ca' && root === undefined) {
    throw new PostgresUrlError('sslmode=verify-ca needs sslrootcert=FILE');
  }
  if (root === 'system' && mode !== 'verify-full') {
    throw new PostgresUrlError('sslrootcert=system needs sslmode=verify-full');
  }
  return root;
}

function negotiationOf(word: string | undefined): PostgresUrl['sslnegotiation'] {
  if (word === undefined || word === 'postgres' || word === 'direct') return word;
  throw new PostgresUrlError('sslnegotiation must be postgres or direct');
}

function wantsPrimary(word = 'any'): boolean {
  if (word === 'any') return false;
  if (word === 'read-write' || word === 'primary') return true;
  throw new PostgresUrlError('target_session_attrs must be any, read-write or primary');
}

function splitAtFirst(text: string, mark: string): [before: string, after: string | undefined] {
  const at = text.indexOf(mark);
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + mark.length)];
}

/** A percent sign that begins no code stands for itself. */
function decode(text: string): string {
  const whole = text.replace(/%(?![0-9a-f]{2})/gi, '%25');
  try {
    return decodeURIComponent(whole);
  } catch {
    return text;
  }
}
