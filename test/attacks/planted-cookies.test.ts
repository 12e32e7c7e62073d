// What a sibling host can set for the domain both are in is never taken for a cookie of ours.
import { expect } from 'chai';
import TEXTS from '../../locales/en.json' with { type: 'json' };
import { loadConfig } from '../../src/config/load.ts';
import { type Running, start } from '../../src/main.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { rememberHashes } from '../support/hashing.ts';
import { createPerson, type Person } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { type Cookie, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const ISSUER = 'https://id.example.com';

describe('cookies of a sibling host', () => {
  let database: TestDatabase;
  let running: Running;
  let door: string;

  before(async () => {
    database = await SQLITE.createMigrated();
    const port = await freePort();
    door = `http://localhost:${port}`;
    const config = loadConfig(environment(database, port, { ISSUER, TEST_CLOCK: '' }));
    running = await start(config, { hashing: rememberHashes });
  });
  after(async () => {
    await running.stop();
    database.remove();
  });

  const browser = (cookies: readonly Cookie[] = []): Web =>
    createWeb(ISSUER, cookies, undefined, door);
  const plantable = (web: Web) => web.cookies().filter(({ name }) => !name.startsWith('__Host-'));
  const headerOf = (cookies: readonly Cookie[]) =>
    cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const cookie = (name: string, value: string, path: string): Cookie => {
    return { name, value, path, host: new URL(ISSUER).hostname, expires: undefined };
  };

  it('lead nobody who resets a password to the account of somebody else', async () => {
    const useLink = async (web: Web, { id }: Person): Promise<Page> => {
      const { accounts, links, store } = running.core;
      const { unit, url } = links.create(await accounts.get(id), 'reset-password', 'a test');
      await store.write(...unit);
      return web.submit(await web.get(url), new URL(url).pathname);
    };
    const [attacker, victim] = [await createPerson(running), await createPerson(running)];
    const theirs = browser();
    expect((await useLink(theirs, attacker)).text).to.include(attacker.email);
    // The victim's own ticket is set beside it, and sent after it: it is newer.
    const web = browser();
    await useLink(web, victim);
    const page = await browser().once(`${ISSUER}/reset-password`, {
      headers: { cookie: headerOf([...plantable(theirs), ...web.cookies()]) },
    });
    expect(page.text).to.include(victim.email).and.not.to.include(attacker.email);
  });

  it('announce no change on the account page', async () => {
    const { email, password } = await createPerson(running);
    const names = ['__Secure-gatehouse_told', 'gatehouse_told'];
    const web = browser(names.map((name) => cookie(name, 'password-changed', '/account')));
    const page = await web.get(`${ISSUER}/account`);
    const account = await web.submit(page, '/prove/password', { email, password });
    expect(titleOf(account)).to.equal('Account');
    expect(account.text).not.to.include(TEXTS['change-password'].done);
  });
});
