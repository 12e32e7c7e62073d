// Around the whole run: no outside network, one database server and one browser for all.
import { closeBrowser } from './chromium.ts';
import { refuseNetwork } from './network.ts';
import { stopPostgres } from './postgres.ts';

export const mochaHooks = {
  beforeAll(): void {
    refuseNetwork();
  },
  async afterAll(): Promise<void> {
    await closeBrowser();
    await stopPostgres();
  },
};
