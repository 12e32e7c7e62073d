// Around the tests: no outside network, one database server and one browser for all of a process.
import { setImmediate } from 'node:timers/promises';
import { closeBrowser } from './chromium.ts';
import { refuseNetwork } from './network.ts';
import { stopPostgres } from './postgres.ts';

/** To mocha each file in a worker is a run; what is shared ends with the worker, by its janitors. */
const isWorker = process.env.MOCHA_WORKER_ID !== undefined;

export const mochaHooks = {
  beforeAll(): void {
    refuseNetwork();
  },
  async afterAll(): Promise<void> {
    await expectNothingListens();
    if (isWorker) return;
    await closeBrowser();
    await stopPostgres();
  },
};

let forgotten = 0;

/** A worker is ended when its files are done: nobody would notice what a test forgot to stop. */
async function expectNothingListens(): Promise<void> {
  await setImmediate();
  const open = process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap');
  const more = open.length - forgotten;
  forgotten = open.length;
  if (more > 0) throw new Error(`${more} more listening after the last test than before the first`);
}
