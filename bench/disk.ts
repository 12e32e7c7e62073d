// node bench/disk.ts: how much the requests of nobody in particular write, each at full rate.
import { createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import { type Core, openCore } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { environment, freePort } from '../test/support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../test/support/processes.ts';
import { SQLITE } from '../test/support/stores.ts';
import { createWeb, findForm } from '../test/support/web.ts';

const USAGE = `node bench/disk.ts [--seconds N] [--only NAME]

Starts a server over SQLite for each request that anybody can make, sends it on 16 connections
until the limits hold and then for N seconds more (12), and prints what the database and the log
would gain in an hour: four windows of a quarter of an hour, each as it began and as it went on.`;

const CONNECTIONS = 16;
/** Seconds: the longest that a limit may take to hold, and how long it is watched at a time. */
const PATIENCE = 90;
const SLICE = 3;
/** Bytes that a slice may gain where a limit holds. */
const SMALL = 100_000;
const WINDOWS = 4;
const WINDOW = 900;
const MOST = 100;

interface Site {
  readonly url: string;
  readonly publicClient: string;
  readonly firstParty: string;
  readonly secretClient: string;
  readonly keyClient: string;
}

/** Makes the requests of one connection. @returns the status of the answer */
type Ask = () => Promise<number>;
type Workload = (site: Site) => Ask | Promise<Ask>;

const REDIRECT = 'https://app.example.com/callback';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const text = (length: number) => randomBytes(length).toString('base64url').slice(0, length);
const jwt = (payload: object) => {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', kid: text(20) })}.${part(payload)}.${text(342)}`;
};

async function once(url: string, init: RequestInit = {}): Promise<number> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  await response.arrayBuffer();
  return response.status;
}

const post = (url: string, fields: Record<string, string>, headers = {}) =>
  once(url, {
    method: 'POST',
    headers: { ...FORM, ...headers },
    body: new URLSearchParams(fields).toString(),
  });

const json = (url: string, body: object) =>
  once(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const asked = (client: string, more: Record<string, string> = {}) => ({
  client_id: client,
  response_type: 'code',
  scope: 'openid',
  redirect_uri: REDIRECT,
  code_challenge: createHash('sha256').update('x').digest('base64url'),
  code_challenge_method: 'S256',
  ...more,
});

/** As large as they are taken. */
const large = (client: string) => {
  const fields = asked(client);
  const room = 8192 - new URLSearchParams({ ...fields, state: '' }).toString().length;
  return { ...fields, state: text(room) };
};

const authorize = (site: Site, fields: Record<string, string>) =>
  `${site.url}/authorize?${new URLSearchParams(fields)}`;

const inPage = (work: (web: ReturnType<typeof createWeb>, site: Site) => Promise<number>) => {
  return (site: Site) => () => work(createWeb(site.url), site);
};

const WORKLOADS: Readonly<Record<string, Workload>> = {
  'authorization request, 8 KB': (site) => () => once(authorize(site, large(site.publicClient))),
  'the same, and its page': inPage(async (web, site) => {
    return (await web.get(authorize(site, large(site.publicClient)))).status;
  }),
  'pushed request, 8 KB': (site) => () => post(`${site.url}/par`, large(site.publicClient)),
  'device authorization, 8 KB': (site) => () =>
    post(`${site.url}/device/authorize`, {
      client_id: site.publicClient,
      scope: 'openid'.padEnd(8100, ' openid'),
    }),
  'page for a device code': (site) => () => once(`${site.url}/device`),
  'sign-out without a session': (site) => () => once(`${site.url}/sign-out`),
  'sign-in cancelled': inPage(async (web, site) => {
    const page = await web.get(authorize(site, asked(site.publicClient)));
    if (page.status !== 200) return page.status;
    return (await web.submit(page, '/cancel')).status;
  }),
  'sign-in started again': async (site) => {
    const web = createWeb(site.url);
    const page = await web.get(authorize(site, asked(site.publicClient)));
    const { action, fields } = findForm(page, '/cancel');
    return async () => (await web.post(String(action).replace('cancel', 'restart'), fields)).status;
  },
  'old form of a sign-in': async (site) => {
    const web = createWeb(site.url);
    const page = await web.get(authorize(site, asked(site.publicClient)));
    return async () => (await web.post(`${page.url}/cancel`, { csrf: 'x' })).status;
  },
  'wrong password, new names, page': inPage(async (web, site) => {
    const page = await web.get(authorize(site, asked(site.publicClient)));
    if (page.status !== 200) return page.status;
    const fields = { email: `${text(12)}@example.com`, password: 'wrong' };
    return (await web.submit(page, '/prove/password', fields)).status;
  }),
  'wrong password, new names, JSON': (site) => () =>
    json(`${site.url}/v1/auth/login`, {
      client_id: site.firstParty,
      email: `${text(12)}@example.com`,
      password: 'wrong',
    }),
  'wrong password, one account, JSON': (site) => () =>
    json(`${site.url}/v1/auth/login`, {
      client_id: site.firstParty,
      email: 'person@example.com',
      password: 'wrong',
    }),
  'reset mail, new addresses': async (site) => {
    const web = createWeb(site.url);
    const page = await web.get(`${site.url}/forgot-password`);
    const { action, fields } = findForm(page, '/forgot-password');
    return async () =>
      (await web.post(action, { ...fields, email: `${text(12)}@example.com` })).status;
  },
  'reset link guessed': (site) => () => once(`${site.url}/reset-password?token=${text(43)}`),
  'device code guessed': async (site) => {
    const web = createWeb(site.url);
    const page = await web.get(`${site.url}/device`);
    const { action, fields } = findForm(page, '/device');
    return async () => (await web.post(action, { ...fields, user_code: 'BCDF-GHJK' })).status;
  },
  'client secret guessed, new User-Agents': (site) => () => {
    const authorization = `Basic ${btoa(`${site.secretClient}:${text(43)}`)}`;
    const headers = { authorization, 'user-agent': text(30) };
    return post(`${site.url}/token`, { grant_type: 'client_credentials' }, headers);
  },
  'client that does not exist': (site) => () =>
    post(`${site.url}/token`, { grant_type: 'client_credentials', client_id: text(20) }),
  'client assertion forged': (site) => () =>
    post(`${site.url}/token`, {
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: jwt({
        iss: site.keyClient,
        sub: site.keyClient,
        aud: site.url,
        jti: text(20),
        exp: Math.floor(Date.now() / 1000) + 60,
      }),
    }),
  'assertion of a service account forged': (site) => () =>
    post(`${site.url}/token`, {
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      assertion: jwt({ iss: `sa_${text(22)}`, sub: text(22), aud: site.url, jti: text(20) }),
    }),
  'code that does not exist': (site) => () =>
    post(`${site.url}/token`, {
      grant_type: 'authorization_code',
      client_id: site.publicClient,
      redirect_uri: REDIRECT,
      code: text(43),
      code_verifier: text(43),
    }),
  'introspection by nobody': (site) => () => post(`${site.url}/introspect`, { token: text(43) }),
  'revocation by nobody': (site) => () => post(`${site.url}/revoke`, { token: text(43) }),
  'userinfo with a token made up': (site) => () =>
    once(`${site.url}/userinfo`, { headers: { authorization: `Bearer ${text(43)}` } }),
  'application that does not exist': (site) => () => once(authorize(site, asked(text(20)))),
  'return address of somebody else': (site) => () =>
    once(authorize(site, asked(site.publicClient, { redirect_uri: 'https://example.net/' }))),
  'silent request, sent back': (site) => () =>
    once(authorize(site, asked(site.publicClient, { prompt: 'none' }))),
  'sign-in that does not exist': (site) => () => once(`${site.url}/sign-in/${text(21)}`),
  'page that does not exist': (site) => () => once(`${site.url}/${text(12)}`),
  'account page': (site) => () => once(`${site.url}/account`),
  'end of an account sign-in, made up': (site) => () =>
    once(`${site.url}/account/callback?code=${text(43)}&state=${text(20)}`),
};

interface Size {
  readonly bytes: number;
  readonly rows: ReadonlyMap<string, number>;
  readonly log: number;
}

interface Gain {
  readonly seconds: number;
  readonly answers: number;
  readonly refused: number;
  readonly bytes: number;
  readonly log: number;
}

interface Result {
  readonly name: string;
  readonly rate: number;
  readonly refused: number;
  readonly rows: string;
  readonly database: number;
  readonly log: number;
}

async function main(seconds: number, only: string | undefined): Promise<void> {
  const chosen = Object.entries(WORKLOADS).filter(([name]) => name.includes(only ?? ''));
  const results: Result[] = [];
  for (const [name, workload] of chosen) {
    const result = await measure(name, workload, seconds);
    results.push(result);
    console.error(lineOf(result));
  }
  console.log(HEAD);
  for (const result of results) console.log(lineOf(result));
  const above = results.filter(({ database }) => database >= MOST).map(({ name }) => name);
  console.log(above.length === 0 ? `All below ${MOST} MB an hour.` : `Above: ${above.join(', ')}`);
  process.exitCode = above.length === 0 ? 0 : 1;
}

async function measure(name: string, workload: Workload, seconds: number): Promise<Result> {
  const database = await SQLITE.createMigrated();
  const port = await freePort();
  const env = { LOG_LEVEL: 'info', TEST_CLOCK: '' };
  const core = await openCore(loadConfig(environment(database, port, env)));
  let server: GatehouseProcess | undefined;
  try {
    const clients = await seed(core);
    server = await startProcess({ database, port, env });
    const running = server;
    const size = () => sizeOf(join(database.dataDir, 'gatehouse.sqlite'), running);
    const ask = await workload({ url: server.url, ...clients });
    const before = size();
    const first = await untilBounded(ask, size);
    const next = await drive(ask, seconds, size);
    return resultOf(name, first, next, rowsBetween(before, size()));
  } finally {
    await server?.stop();
    await core.close();
    database.remove();
  }
}

async function seed({ accounts, clients }: Core): Promise<Omit<Site, 'url'>> {
  await accounts.create({ email: 'person@example.com', password: 'Tavu7-Ripo3-Keld9' });
  const metadata = { client_name: 'App', redirect_uris: [REDIRECT] };
  const device = 'urn:ietf:params:oauth:grant-type:device_code';
  const none = { token_endpoint_auth_method: 'none' };
  const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
  const jwk = { kty: 'RSA', n: text(342), e: 'AQAB', use: 'sig', alg: 'RS256' };
  const create = async (more: object) => (await clients.create({ ...metadata, ...more })).client.id;
  return {
    publicClient: await create({ ...none, grant_types: ['authorization_code', device] }),
    firstParty: await create({ ...none, first_party: true, direct_sign_in: true }),
    secretClient: await create(machine),
    keyClient: await create({
      ...machine,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [jwk] },
    }),
  };
}

/** Goes on until whatever bounds the growth has begun to hold. */
async function untilBounded(ask: Ask, size: () => Size): Promise<Gain> {
  let all = await drive(ask, SLICE, size);
  for (let last = all; last.bytes > SMALL && all.seconds < PATIENCE; ) {
    last = await drive(ask, SLICE, size);
    all = {
      seconds: all.seconds + last.seconds,
      answers: all.answers + last.answers,
      refused: all.refused + last.refused,
      bytes: all.bytes + last.bytes,
      log: all.log + last.log,
    };
  }
  return all;
}

async function drive(ask: Ask, seconds: number, size: () => Size): Promise<Gain> {
  const before = size();
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  let answers = 0;
  let refused = 0;
  const work = async () => {
    while (elapsed() < seconds) {
      const status = await ask();
      answers += 1;
      if (status === 429) refused += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  // What a process adds up in a second is written, too.
  await sleep(1500);
  const after = size();
  return {
    seconds: elapsed(),
    answers,
    refused,
    bytes: after.bytes - before.bytes,
    log: after.log - before.log,
  };
}

/** Pages in use, those in the write-ahead log with them. */
function sizeOf(file: string, server: GatehouseProcess): Size {
  const database = new Database(file);
  try {
    const number = (pragma: string) => Number(database.pragma(pragma, { simple: true }));
    const tables = database
      .prepare("select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
      .pluck()
      .all() as string[];
    const count = (table: string) =>
      database.prepare(`select count(*) from "${table}"`).pluck().get() as number;
    return {
      bytes: (number('page_count') - number('freelist_count')) * number('page_size'),
      rows: new Map(tables.map((table) => [table, count(table)])),
      log: Buffer.byteLength(server.output()),
    };
  } finally {
    database.close();
  }
}

function rowsBetween({ rows: before }: Size, { rows }: Size): string {
  return [...rows]
    .map(([table, count]) => [table, count - (before.get(table) ?? 0)] as const)
    .filter(([, more]) => more > 0)
    .map(([table, more]) => `${table} ${more}`)
    .join(', ');
}

function resultOf(name: string, first: Gain, next: Gain, rows: string): Result {
  const inAnHour = (of: 'bytes' | 'log') => {
    const rate = Math.max(0, next[of]) / next.seconds;
    return (WINDOWS * (Math.max(0, first[of]) + rate * (WINDOW - first.seconds))) / 1e6;
  };
  const refused = next.refused / next.answers;
  const rate = next.answers / next.seconds;
  return { name, rate, refused, rows, database: inAnHour('bytes'), log: inAnHour('log') };
}

const HEAD = [
  '| request | answers/s | of these 429 | database, MB an hour | log, MB an hour | rows of the run |',
  '| --- | ---: | ---: | ---: | ---: | --- |',
].join('\n');

function lineOf({ name, rate, refused, database, log, rows }: Result): string {
  const share = `${Math.round(refused * 100)} %`;
  const cells = [name, rate.toFixed(0), share, database.toFixed(1), log.toFixed(1), rows];
  return `| ${cells.join(' | ')} |`;
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '12' },
    only: { type: 'string' },
    help: { type: 'boolean' },
  },
});
if (values.help) console.log(USAGE);
else await main(Number(values.seconds), values.only);
