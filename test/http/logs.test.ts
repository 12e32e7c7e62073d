// Errors and logs: one trace in both, everything for the operator, nothing for the visitor.
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import pg from 'pg';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import {
  allowIfAsked,
  codeOf,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onOneStoreExcept, type TestDatabase } from '../support/stores.ts';
import { createWeb, findForm, type Page, titleOf } from '../support/web.ts';
import { expectNoInside, send, sendBytes, statuses } from './helpers.ts';

interface Line {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly trace?: string;
  readonly error?: string;
  readonly err?: Readonly<Record<'message' | 'stack' | 'error_code', string>>;
}

const ERROR = 50;
const PASSWORD = 'Marke7-Ripo3-Geheim9';
const TRACE = /[0-9A-HJKMNP-TV-Z]{10}/;

onOneStoreExcept(/500|library/, 'logs', (store) => {
  let database: TestDatabase;
  let core: Core;
  let running: GatehouseProcess;
  let party: RelyingParty;
  let person: Person;
  before(async () => {
    database = await store.create();
    const port = await freePort();
    running = await startProcess({ database, port, env: { LOG_LEVEL: 'trace' } });
    core = await openCore(loadConfig(environment(database, port)));
    party = await createRelyingParty({ core, url: running.url });
    const email = 'person@example.com';
    const { id } = await core.accounts.create({ email, password: PASSWORD });
    person = { id, email, password: PASSWORD };
  });
  after(async () => {
    await core.close();
    await running.stop();
    database.remove();
  });

  /** Everything after the line that says where it serves; each must be JSON. */
  const lines = (): Line[] => {
    const [, ...rest] = running.output().split('\n');
    expect(rest.pop()).to.equal('');
    // Now and then the library talks to its console: that is no line of our log.
    const own = rest.filter((line) => !line.startsWith('oidc-provider '));
    return own.map((line) => JSON.parse(line) as Line);
  };

  const signIn = async (headers: Record<string, string> = {}) => {
    const web = createWeb(running.url);
    const request = party.url();
    const page = await web.get(request.url, headers);
    const { action, fields } = findForm(page, '/prove/password');
    const post = (password: string) =>
      web.post(action, { ...fields, email: person.email, password }, headers);
    const refused = await post('Falsches-Passwort-99');
    expect(refused.status).to.equal(422);
    const last = await allowIfAsked(web, await post(PASSWORD));
    const code = codeOf(last);
    const answer = await party.redeem(request, code);
    expect(answer.status).to.equal(200);
    return { web, request, code, csrf: fields.csrf ?? '', tokens: answer.body };
  };

  it('are lines of JSON with a time, a level, words and the trace of their request', async () => {
    const before = lines().length;
    await signIn();
    const written = lines().slice(before);
    const about = (msg: string) => written.filter((line) => line.msg === msg);
    expect(about('credential refused')).to.have.length(1);
    expect(about('signed in')).to.have.length(1);
    for (const line of [...about('credential refused'), ...about('signed in')]) {
      expect(line.trace).to.match(new RegExp(`^${TRACE.source}$`));
      expect(new Date(line.time).toISOString()).to.equal(line.time);
      expect(line.level).to.be.a('number');
    }
    const traces = [...about('credential refused'), ...about('signed in')].map(
      ({ trace }) => trace,
    );
    expect(new Set(traces).size, 'two requests, two traces').to.equal(2);
  });

  it('hold no secret, however much is logged', async () => {
    const { web, request, code, csrf, tokens } = await signIn();
    const refresh = await party.refresh(String(tokens.refresh_token));
    await party.userinfo(String(tokens.access_token));
    await party.introspect(String(tokens.access_token));
    await party.revoke(String(refresh.body.refresh_token));
    await party.redeem(request, code);
    await party.token({ grant_type: 'password', username: person.email, password: PASSWORD });
    const wrong = { grant_type: 'authorization_code', code: 'x', client_secret: PASSWORD };
    await party.token(wrong);
    const query = `password=${PASSWORD}&code=${code}&token=${tokens.access_token}`;
    await send(running.url, `/nowhere?${query}`);
    const secrets: Record<string, unknown> = {
      password: PASSWORD,
      'wrong password': 'Falsches-Passwort-99',
      'client secret': party.secret,
      code,
      csrf,
      verifier: request.verifier,
      'access token': tokens.access_token,
      'refresh token': tokens.refresh_token,
      'next refresh token': refresh.body.refresh_token,
      'id token': tokens.id_token,
    };
    for (const { name, value } of web.cookies()) secrets[`cookie ${name}`] = value;
    expect(lines().length).to.be.greaterThan(0);
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret, name).to.be.a('string').with.length.greaterThan(9);
      expect(running.output().includes(String(secret)), name).to.equal(false);
    }
  });

  const agents: ReadonlyArray<readonly [says: string, agent: string, taken: boolean]> = [
    ['10 kB', 'x'.repeat(10_000), true],
    ['bytes that terminals obey', 'a\x9b31mred\x85b\xff', true],
    ['quotes, braces and a backslash', '"}\\n{"level":60,"msg":"forged"}', true],
    ['something like escapes', '%0d%0a \\x1b[31m \\u0000', true],
    // What HTTP itself forbids, Node refuses before anybody reads it.
    ['a line break', 'a\r\n{"level":60,"msg":"forged"}', false],
    ['a folded line', 'a\r\n {"level":60,"msg":"forged"}', false],
    ['an escape', 'a\x1b[31mred', false],
    ['a NUL', 'a\0b', false],
    ['a bare CR', 'a\r{"level":60}', false],
  ];
  for (const [says, agent, isTaken] of agents) {
    it(`stay lines when a browser calls itself ${says}`, async () => {
      const before = lines().length;
      const fields = 'Accept: text/html\r\nConnection: close';
      const { pathname, search } = new URL(party.url().url);
      const request = `GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\nUser-Agent: ${agent}\r\n`;
      const answer = await sendBytes(
        running.url,
        Buffer.from(`${request}${fields}\r\n\r\n`, 'latin1'),
      );
      expect(statuses(answer)).to.deep.equal([isTaken ? 303 : 400]);
      // Sensible again: the next one is served, and the log is still lines of JSON.
      await send(running.url, '/health/live');
      expect(
        lines()
          .slice(before)
          .filter(({ msg }) => msg === 'forged'),
      ).to.deep.equal([]);
      expect(running.output()).not.to.match(/[^\P{C}\n]/u);
    });
  }

  it('a sign-in works for a browser with the longest of names', async () => {
    await signIn({ 'user-agent': `Mozilla/5.0 "${'x'.repeat(10_000)}\\` });
  });

  it('say nothing of a visitor who goes away in mid-request', async () => {
    const before = lines().length;
    const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100';
    for (const path of ['/token', '/account/sign-out', '/device', '/par']) {
      await sendBytes(running.url, `POST ${path} HTTP/1.1\r\nHost: x\r\n${form}\r\n\r\nhalf`, true);
    }
    await send(running.url, '/health/live');
    const loud = lines()
      .slice(before)
      .filter(({ level }) => level >= ERROR);
    expect(loud).to.deep.equal([]);
  });

  it('name the reason once, and every trace that the visitor was told', async () => {
    const web = createWeb(running.url);
    const page = await web.get(party.url().url);
    await drop(database, 'sign_in_flows');
    const html = await web.once(page.url);
    const json = await web.once(page.url, { headers: { accept: 'application/json' } });
    const { action, fields } = findForm(page, '/prove/password');
    const post = { ...fields, email: person.email, password: PASSWORD };
    const posted = await web.post(action, post);
    for (const answer of [html, json, posted]) {
      expect(answer.status).to.equal(503);
      expectNoInside(answer);
      expect(answer.text).not.to.include('sign_in_flows');
      expect(answer.headers.getSetCookie()).to.deep.equal([]);
      expect(answer.headers.get('cache-control')).to.equal('no-store');
    }
    expect(titleOf(html)).to.equal('Something went wrong');
    const body = JSON.parse(json.text);
    expect(body).to.have.all.keys(['error', 'error_description', 'trace']);
    const traces = [traceOn(html), body.trace, traceOn(posted)];
    expect(new Set(traces).size).to.equal(3);
    expectLogged(lines(), traces[0] ?? '', /sign_in_flows/);
    for (const trace of traces) expectNamed(lines(), trace);
    expect(running.output()).not.to.include(PASSWORD);
  });

  it('do the same for what fails inside the library', async () => {
    await drop(database, 'oidc_artifacts');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const authorization = `Basic ${btoa(`${party.id}:${party.secret}`)}`;
    const token = await createWeb(running.url).once(`${running.url}/token`, {
      method: 'POST',
      headers: { ...form, accept: 'application/json', authorization },
      body: 'grant_type=refresh_token&refresh_token=Geheimer-Schein-1',
    });
    const authorize = await createWeb(running.url).once(party.url().url);
    for (const answer of [token, authorize]) {
      expect(answer.status).to.equal(503);
      expectNoInside(answer);
      expect(answer.text).not.to.include('oidc_artifacts');
    }
    const { trace } = JSON.parse(token.text);
    expectLogged(lines(), trace, /oidc_artifacts/);
    expectNamed(lines(), traceOn(authorize));
    expect(running.output()).not.to.include('Geheimer-Schein-1');
    expect(running.output()).not.to.include(String(party.secret));
  });

  it('leave the process alive', async () => {
    expect((await send(running.url, '/health/live')).status).to.equal(200);
    const [, trace] = /"trace":"(.*?)"/.exec((await send(running.url, '/nowhere')).text) ?? [];
    expect(trace).to.match(TRACE);
  });
});

function traceOn(page: Page): string {
  const [, trace = ''] = /<code>([0-9A-Z]{10})<\/code>/.exec(page.text) ?? [];
  expect(page.text).to.include('Trace code:');
  expect(trace).to.match(TRACE);
  return trace;
}

/** What has befallen many requests is told with its stack once. */
function expectNamed(all: readonly Line[], trace: string): void {
  const own = all.filter((line) => line.trace === trace && line.msg === 'request refused');
  expect(
    own.map(({ error }) => error),
    trace,
  ).to.deep.equal(['store_unavailable']);
}

function expectLogged(all: readonly Line[], trace: string, reason: RegExp): void {
  const errors = all.filter((line) => line.trace === trace && line.level === ERROR);
  expect(errors, trace).to.have.length(1);
  expect(errors[0]?.err?.message).to.match(reason);
  expect(errors[0]?.err?.stack).to.match(/\n +at /);
  expect(errors[0]?.err?.error_code).to.match(/^(SQLITE_ERROR|42P01)$/);
}

async function drop({ url, dataDir }: TestDatabase, table: string): Promise<void> {
  if (url === undefined) {
    const database = new Database(join(dataDir, 'gatehouse.sqlite'));
    database.exec(`drop table ${table}`);
    database.close();
    return;
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`drop table ${table} cascade`);
  await client.end();
}
