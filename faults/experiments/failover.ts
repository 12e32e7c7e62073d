// The primary dies under load, and a standby takes its place.

import { setTimeout as sleep } from 'node:timers/promises';
import { machineTime } from '../../src/lib/clock.ts';
import type { Running } from '../../test/support/postgres.ts';
import { codeOf, type Request_, signInAt } from '../../test/support/relying-party.ts';
import { createWeb } from '../../test/support/web.ts';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { health, secondsUntil } from '../measure.ts';
import { type OwnPostgres, ownPostgres, query, signal, withPort } from '../own-postgres.ts';
import { accountKey, createPerson, signIn } from '../people.ts';
import type { Site } from '../site.ts';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.ts';
import { type Chain, goOn, startChains } from '../traffic.ts';

/** As docs/operations.md has it. */
const NOT_BEFORE = 'update accounts set generation = generation + 1';

interface Scene {
  readonly own: OwnPostgres;
  readonly standby: Running;
  /** Between the two servers. */
  readonly line: TcpProxy;
  readonly site: Site;
  readonly chains: readonly Chain[];
}

export const failoverSynchronous: Experiment = {
  name: 'failover-synchronous',
  title: 'the primary dies, a synchronous standby is promoted: no acknowledged write is lost',
  stores: ['postgres'],
  takes: '30 s',
  run: async (bench) => {
    const scene = await prepare(bench, true);
    const { journal } = bench;
    const { site } = scene;
    const traffic = goOn({ journal, site }, scene.chains, 2);
    const suspended = await suspendSome(bench, site, 5);
    await sleep(2000);
    const acknowledged = refreshes(bench, 'done');
    const seconds = await promote(scene);
    await secondsUntil(async () => refreshes(bench, 'done') > acknowledged + 20, 30);
    await traffic.stop();
    for (const person of suspended) await signIn({ journal, site }, person, 1);
    return { acknowledged, 'ready again, s': seconds, unknown: refreshes(bench, 'unknown') };
  },
};

export const failoverAsynchronous: Experiment = {
  name: 'failover-asynchronous',
  title:
    'a standby that lags is promoted: what is lost works again, until the documented not-before',
  stores: ['postgres'],
  takes: '30 s',
  run: async (bench) => {
    const scene = await prepare(bench, false);
    const { site, chains, line } = scene;
    const { application } = site;
    const codes = await codesOf(site, 4);
    const half = await halfDone(site);
    await sleep(1000);
    line.freeze();
    // What follows is acknowledged, and never reaches the standby.
    const spent = chains.map(({ token }) => token);
    const answers = await Promise.all(
      spent.map((refreshToken) => application.post('refresh', { refreshToken })),
    );
    const redeemed = await redeemAll(site, codes);
    const acknowledged = answers.filter(({ status }) => status === 200).length;
    await promote(scene);
    const middle = Math.floor(spent.length / 2);
    const replay = (tokens: readonly string[]) =>
      Promise.all(tokens.map((refreshToken) => application.post('refresh', { refreshToken })));
    const before = (await replay(spent.slice(0, middle))).filter(({ status }) => status === 200);
    await query(standbyUrl(scene), NOT_BEFORE);
    const fresh = before.map(({ body }) => String(body.refreshToken));
    const after = await replay([...spent.slice(middle), ...fresh]);
    const worked = after.filter(({ status }) => status === 200).length;
    const again = await redeemAll(site, codes);
    const goneOn = await half();
    if (again + goneOn > 0) {
      bench.journal.breaks(`invariant 1: ${again} codes and ${goneOn} half-done sign-ins go on`);
    }
    if (worked > 0) bench.journal.breaks(`invariant 1: ${worked} replays after the not-before`);
    return {
      'acknowledged and lost': acknowledged + redeemed,
      'replays that work before': before.length,
      'replays after it': `${worked} of ${after.length}`,
      'codes after it': `${again} of ${codes.length}`,
      'half-done after it': `${goneOn} of 1`,
    } as Figures;
  },
};

type Code = { readonly request: Request_; readonly code: string };

async function codesOf(site: Site, count: number): Promise<Code[]> {
  const codes: Code[] = [];
  for (let index = 0; index < count; index += 1) {
    const web = createWeb(site.url);
    const request = site.party.url();
    const last = await signInAt(web, await web.get(request.url), await createPerson(site));
    codes.push({ request, code: codeOf(last) });
  }
  return codes;
}

async function redeemAll({ party }: Site, codes: readonly Code[]): Promise<number> {
  const answers = await Promise.all(codes.map(({ request, code }) => party.redeem(request, code)));
  return answers.filter(({ status }) => status === 200).length;
}

/** The password is proved, and the consent is asked for. @returns goes on: 1 where it can */
async function halfDone(site: Site): Promise<() => Promise<number>> {
  const web = createWeb(site.url);
  const { email, password } = await createPerson(site);
  const first = await web.get(site.party.url().url);
  const asked = await web.submit(first, '/prove/password', { email, password });
  return async () => {
    const last = await web.submit(asked, '/consent', { decision: 'allow' });
    return last.url.searchParams.has('code') ? 1 : 0;
  };
}

async function prepare(bench: Bench, isSynchronous: boolean): Promise<Scene> {
  const own = await ownPostgres(bench);
  const line = await startTcpProxy(own.server.port);
  bench.finally(() => line.stop());
  bench.say('copies the primary');
  const standby = await own.server.standby({ port: line.port, name: 'standby' });
  bench.finally(() => standby.stop());
  const { url = '' } = own.database;
  await secondsUntil(
    async () => (await query(url, 'select from pg_stat_replication')).rowCount === 1,
  );
  if (isSynchronous) {
    await query(url, `alter system set synchronous_standby_names = 'ANY 1 (*)'`);
    await query(url, 'select pg_reload_conf()');
    await secondsUntil(async () => {
      const { rows } = await query(url, 'select sync_state from pg_stat_replication');
      return rows[0]?.sync_state === 'quorum';
    });
  }
  // Our own house takes the proxy, too: it follows to the new primary.
  const site = await bench.open({ database: { ...own.database, url: own.nodesUrl } });
  const chains = await startChains({ journal: bench.journal, site }, 12);
  return { own, standby, line, site, chains };
}

function standbyUrl({ own, standby }: Scene): string {
  return withPort(own.database.url ?? '', standby.port);
}

/** @returns seconds until both nodes are ready again */
async function promote(scene: Scene): Promise<number> {
  const { own, standby, site } = scene;
  const from = machineTime();
  // Killed where it stands: nothing is sent any more, and nobody is told.
  signal(own.server, 'SIGSTOP');
  own.proxy.cut();
  await query(standbyUrl(scene), `alter system reset synchronous_standby_names`).catch(
    () => undefined,
  );
  await query(standbyUrl(scene), 'select pg_promote(true, 30)');
  own.proxy.lead(standby.port);
  own.proxy.cut();
  for (const pid of own.server.processes().reverse()) process.kill(pid, 'SIGKILL');
  await secondsUntil(async () => {
    const states = await Promise.all([health(site.at(0)), health(site.at(1))]);
    return states.every(({ status }) => status === 200);
  });
  return (machineTime() - from) / 1000;
}

async function suspendSome({ journal }: Bench, site: Site, count: number) {
  const people = [];
  for (let index = 0; index < count; index += 1) {
    const person = await createPerson(site);
    const account = await site.core.accounts.get(person.email);
    const cause = { actor: 'cli:faults', reason: 'an experiment' };
    await journal.run(
      { act: 'suspend', subject: person.email, account: person.id, ends: [accountKey(person)] },
      async () => {
        await site.core.operations.suspend(account, cause);
        return { status: 200, body: {} };
      },
    );
    people.push(person);
  }
  return people;
}

function refreshes({ journal }: Bench, wanted: string): number {
  return journal.entries.filter(({ act, outcome }) => act === 'refresh' && outcome === wanted)
    .length;
}
