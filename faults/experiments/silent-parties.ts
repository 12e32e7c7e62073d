// A mail server and a receiver of logouts that take connections and never say a word.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createWeb } from '../../test/support/web.ts';
import type { Bench, Experiment } from '../experiment.ts';
import { health, p99, timed } from '../measure.ts';
import { createPerson } from '../people.ts';
import { goOn, share, startChains } from '../traffic.ts';

export const silentParties: Experiment = {
  name: 'silent-parties',
  title: 'SMTP and back-channel parties that never answer hold nothing up',
  stores: ['sqlite', 'postgres'],
  takes: '20 s',
  run: async (bench) => {
    const silent = await silentPort(bench);
    const site = await bench.open({
      env: { SMTP_URL: `smtp://127.0.0.1:${silent.port}` },
      config: { mail: { from: 'id@example.com', timeout: 5 }, outgoing: { allow_private: true } },
    });
    const at = { journal: bench.journal, site };
    const traffic = goOn(at, await startChains(at, 4));
    const asked = [];
    for (let index = 0; index < 12; index += 1) {
      const { email } = await createPerson(site);
      const web = createWeb(site.url);
      const page = await web.get(`${site.url}/forgot-password`);
      asked.push(await timed(() => web.submit(page, '/forgot-password', { email })));
    }
    const healths = [];
    for (let index = 0; index < 50; index += 1)
      healths.push(await timed(() => health(site.at(index))));
    await traffic.stop();
    const failed = healths.length - share(healths, 200);
    if (failed > 0) bench.journal.breaks(`not ready ${failed} × because others are silent`);
    return {
      'mails asked for, p99 ms': p99(asked),
      'refresh p99, ms': p99(traffic.samples),
      'connections to the silent': silent.taken(),
    };
  },
};

async function silentPort(bench: Bench) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench.finally(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, taken: () => sockets.size };
}
