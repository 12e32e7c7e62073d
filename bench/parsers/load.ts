// Whether others are served while strangers send what is worst, on twenty connections without pause.
import { performance } from 'node:perf_hooks';
import { type Connection, openConnection } from '../connection.ts';
import { basic, expectOk, formRequest, getRequest, type Server } from '../requests.ts';
import { startGatehouse } from '../servers.ts';
import { MACHINE, RESOURCES } from '../setup.ts';
import { fill, halves } from './shapes.ts';

const KB = 1024;
const STRANGERS = 20;
const SECONDS = 6;
/** Milliseconds within which others are answered. */
const MOST = 1000;

type Requests = Readonly<Record<string, (server: Server) => string>>;

const WORST: Requests = {
  nothing: () => '',
  'query of a&': (server) => getRequest(server, `/forgot-password?${fill('a&')(15 * KB)}`),
  'query of 100': (server) =>
    getRequest(server, `/authorize?${fill('a&')(198)}a=${fill('+')(15 * KB)}`),
  'quoted media types': (server) =>
    getRequest(server, '/nothing', { Accept: halves('"', ',')(15 * KB) }),
  'form of a&': (server) => posted(server, '/token', FORM, fill('a&')(63 * KB)),
  'form of fields': (server) => posted(server, '/forgot-password', FORM, fill('a&')(63 * KB)),
  'JSON, text and colons': (server) =>
    posted(server, '/v1/auth/login', JSON_TYPE, `"${fill('a')(31 * KB)}"${fill(':')(31 * KB)}`),
  'ideographic resource': (server) =>
    posted(server, '/device/authorize', FORM, `client_id=gatehouse-account&resource=${host(5400)}`),
};

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

function posted(server: Server, path: string, type: string, body: string): string {
  const length = Buffer.byteLength(body, 'latin1');
  const head = getRequest(server, path, { 'Content-Type': type, 'Content-Length': String(length) });
  return head.replace(/^GET/, 'POST') + body;
}

/** As the bytes of UTF-8. */
function host(letters: number): string {
  const codes = Array.from({ length: letters }, (_, n) => 0x4e00 + ((n * 7919) % 20_000));
  return Buffer.from(`http://${codes.map((code) => String.fromCodePoint(code)).join('')}`).toString(
    'latin1',
  );
}

const OTHERS: Requests = {
  '/health/live': (server) => getRequest(server, '/health/live'),
  '/token': (server) =>
    formRequest(
      server,
      '/token',
      { grant_type: 'client_credentials', resource: RESOURCES[2].identifier, scope: 'read' },
      basic(MACHINE),
    ),
};

/** @returns whether all others were answered in time */
export async function showLoad(): Promise<boolean> {
  const server = await startGatehouse({ store: 'sqlite', profile: undefined });
  try {
    console.log(
      `\n| ${STRANGERS} connections of | answered /s | others | p50 / longest ms |\n|---|---|---|---|`,
    );
    let longest = 0;
    for (const [name, request] of Object.entries(WORST)) {
      longest = Math.max(longest, await showOne(server, name, request(server)));
    }
    return longest <= MOST;
  } finally {
    await server.stop();
  }
}

async function showOne(server: Server, name: string, worst: string): Promise<number> {
  const until = performance.now() + SECONDS * 1000;
  const strangers = worst === '' ? 0 : STRANGERS;
  const storm = Array.from({ length: strangers }, () => over(server, worst, until));
  const others = Object.entries(OTHERS).map(
    async ([path, request]) => [path, await over(server, request(server), until, path)] as const,
  );
  const rate = (await Promise.all(storm)).flat().length / SECONDS;
  let longest = 0;
  for (const [path, took] of await Promise.all(others)) {
    took.sort((a, b) => a - b);
    const most = took.at(-1) ?? Number.NaN;
    longest = Math.max(longest, most);
    const figures = `${(took[took.length >> 1] ?? Number.NaN).toFixed(1)} / ${most.toFixed(0)}`;
    console.log(`| ${name} | ${rate.toFixed(0)} | ${path} | ${figures} |`);
  }
  return longest;
}

/** Milliseconds of each answer; a refusal of a stranger is one. */
async function over(
  server: Server,
  request: string,
  until: number,
  path?: string,
): Promise<number[]> {
  const took: number[] = [];
  const connection: Connection = openConnection(server.port);
  try {
    while (performance.now() < until) {
      const started = performance.now();
      const answer = await connection.send(request);
      took.push(performance.now() - started);
      if (path) expectOk(answer, path);
    }
  } finally {
    connection.close();
  }
  return took;
}
