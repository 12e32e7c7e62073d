// Cookies and bodies as nobody sends them, and senders that are slow on purpose.
import { once } from 'node:events';
import { connect } from 'node:net';
import { machineTime } from '../../src/lib/clock.ts';
import type { Bench, Experiment } from '../experiment.ts';
import { createPerson, signIn } from '../people.ts';
import type { Site } from '../site.ts';

const LONG = 'a'.repeat(8_000);
const COOKIES = [
  '=',
  ';;;',
  'a',
  '\u0001=1',
  `gatehouse_session=${LONG}`,
  '__Host-gatehouse_session=x; '.repeat(200),
  'gatehouse_session=%ff%fe',
  'gatehouse_session={"__proto__":1}',
  '_session=a; _session=b',
  'gatehouse_session=a.b.c; gatehouse_session.sig=AAAA',
];
const BODIES = [
  '',
  '{',
  '[]',
  'null',
  '{"email":1}',
  '{"email":{"$gt":""}}',
  `{"a":${'['.repeat(30_000)}`,
  'grant_type=refresh_token&'.repeat(50),
  '%',
  '%ff=%fe',
  `a=${'b'.repeat(60_000)}`,
  '\0',
];
const TYPES = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'x', ''];
const PATHS = ['/token', '/v1/auth/login', '/v1/auth/refresh', '/introspect', '/forgot-password'];

export const hostile: Experiment = {
  name: 'hostile',
  title: 'malformed, huge and doubled cookies, hostile bodies, slow headers and slow bodies',
  stores: ['sqlite'],
  takes: '60 s',
  run: async (bench) => {
    const site = await bench.open({ count: 1 });
    await sendCookies(bench, site);
    await sendBodies(bench, site);
    const port = site.nodes[0]?.port ?? 0;
    const [headers, silent, body] = await Promise.all([
      lifeOf(port, 'GET / HTTP/1.1\r\nHost: x\r\n', 'X'),
      lifeOf(port, '', ''),
      lifeOf(port, 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n', 'a'),
    ]);
    await signIn({ journal: bench.journal, site }, await createPerson(site), 0);
    for (const [name, seconds, limit] of [
      ['slow headers', headers, 18],
      ['silence', silent, 18],
      ['a slow body', body, 33],
    ] as const) {
      if (seconds > limit) bench.journal.breaks(`${name} lived ${seconds} s, not ${limit}`);
    }
    return { 'slow headers, s': headers, 'silence, s': silent, 'slow body, s': body };
  },
};

async function sendCookies({ journal }: Bench, site: Site): Promise<void> {
  for (const cookie of COOKIES) {
    for (const path of [
      '/account',
      new URL(site.party.url().url).pathname + new URL(site.party.url().url).search,
    ]) {
      await journal.run({ act: 'cookie', subject: cookie.slice(0, 30) }, async () => {
        const answer = await fetch(site.url + path, {
          headers: { cookie: encodeLatin(cookie) },
          redirect: 'manual',
        });
        await answer.text();
        return { status: answer.status, body: {}, headers: answer.headers };
      });
    }
  }
}

function encodeLatin(text: string): string {
  return text.replaceAll('\u0001', '%01');
}

async function sendBodies({ journal }: Bench, site: Site): Promise<void> {
  for (const path of PATHS) {
    for (const body of BODIES) {
      for (const type of TYPES) {
        await journal.run({ act: 'body', subject: `${path} ${body.slice(0, 20)}` }, async () => {
          const headers = type ? { 'content-type': type } : {};
          const answer = await fetch(site.url + path, { method: 'POST', body, headers });
          await answer.text();
          return { status: answer.status, body: {}, headers: answer.headers };
        });
      }
    }
  }
}

/** One byte a second, for a minute at most. @returns seconds until the server had enough */
async function lifeOf(port: number, begin: string, more: string): Promise<number> {
  const from = machineTime();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (begin) socket.write(begin);
  const drip = setInterval(() => {
    if (more && socket.writable) socket.write(more);
  }, 1000);
  const late = setTimeout(() => socket.destroy(), 60_000);
  socket.resume();
  await once(socket, 'close');
  clearInterval(drip);
  clearTimeout(late);
  return Math.round((machineTime() - from) / 1000);
}
