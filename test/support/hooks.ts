// Around the tests: no outside network, one database server and one browser for all of a process.
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
    if (isWorker) return;
    await closeBrowser();
    await stopPostgres();
  },
};
