// The answer to a refresh is lost, and the application asks again with the same token.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Experiment, Figures } from '../experiment.ts';
import { nameOf } from '../journal.ts';
import { refresh } from '../people.ts';
import type { Site } from '../site.ts';
import { startTcpProxy } from '../tcp-proxy.ts';
import { startChain } from '../traffic.ts';

export const lostAnswers: Experiment = {
  name: 'lost-answers',
  title: 'a refresh whose answer is lost, asked for again after 0.1, 2, 5 and 20 s',
  stores: ['sqlite', 'postgres'],
  takes: '35 s',
  run: async (bench) => {
    const site = await bench.open();
    const figures: Record<string, string> = {};
    for (const seconds of [0.1, 2, 5, 20]) {
      figures[`${seconds} s`] = await loseOne(bench, site, seconds);
      bench.say(`after ${seconds} s: ${figures[`${seconds} s`]}`);
    }
    return figures as Figures;
  },
};

async function loseOne({ journal }: Bench, site: Site, seconds: number): Promise<string> {
  const at = { journal, site };
  const { person, token } = await startChain(at);
  const proxy = await startTcpProxy(site.nodes[0]?.port ?? 0);
  proxy.loseAnswers(true);
  await journal.run(
    { act: 'refresh', subject: nameOf(token), account: person.id, node: site.at(0) },
    () =>
      site.application.post(
        'refresh',
        { refreshToken: token },
        { at: `http://127.0.0.1:${proxy.port}` },
      ),
  );
  await proxy.stop();
  await sleep(seconds * 1000);
  const again = await refresh(at, person, token, 1);
  const families = await familyRows(site, person.id);
  if (again.token) {
    const next = await refresh(at, person, again.token, 0);
    return `${again.answer?.status}, then ${next.answer?.status}`;
  }
  return `${again.answer?.status} ${again.answer?.body.error}, family ${families > 0 ? 'lives' : 'ended'}`;
}

/** Rows of refresh tokens that could still be used. */
async function familyRows({ core: { store } }: Site, accountId: string): Promise<number> {
  const rows = await store.all(
    store.compile(store.sql('oidc_artifacts').where('account_id', accountId)),
  );
  return rows.filter((row) => String(row.kind ?? row.model).includes('Refresh') && !row.consumed_at)
    .length;
}
