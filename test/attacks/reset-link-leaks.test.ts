// Looking for the secrets of a reset where they must not be: logs, database, answers, other addresses.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { advanceClock, environment, freePort, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { linkIn, readMail } from '../support/mailbox.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { choose, DONE, useLink } from '../support/reset-link.ts';
import { type SmtpServer, startSmtp } from '../support/smtp.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, titleOf } from '../support/web.ts';

const TABLES = ['outbox', 'one_time_links', 'limit_counters', 'accounts', 'settings'];
const EMAIL = 'person@example.com';

onBothStores('the secrets of a reset leak nowhere', (store) => {
  let database: TestDatabase;
  let smtp: SmtpServer;
  let running: GatehouseProcess;
  let core: Core;
  before(async () => {
    database = await store.create();
    smtp = await startSmtp('says nothing');
    const file = join(database.dataDir, 'config.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, mail: { timeout: 1 } }));
    const port = await freePort();
    const more = { LOG_LEVEL: 'trace', SMTP_URL: smtp.url, GATEHOUSE_CONFIG: file };
    const config = loadConfig(environment(database, port, { ...more, LOG_LEVEL: 'silent' }));
    core = await openCore(config);
    await core.accounts.create({ email: EMAIL });
    running = await startProcess({ database, port, env: more });
  });
  after(async () => {
    await advanceClock(running.url, undefined);
    await core.close();
    await running.stop();
    await smtp.stop();
    database.remove();
  });

  const dump = async () => {
    const all = TABLES.map((name) => core.store.all(core.store.compile(core.store.sql(name))));
    return JSON.stringify(await Promise.all(all));
  };

  it('while the mail waits, after it was delivered, and after the password was set', async () => {
    const web = createWeb(running.url);
    const asked = await web.get(`${running.url}/forgot-password`);
    const sent = await web.submit(asked, '/forgot-password', { email: EMAIL });
    const dumps = [await dump()];
    expect(dumps[0]).to.include('reset-link').and.to.include('sealed');
    smtp.mood = 'takes';
    await advanceClock(running.url, '5m');
    while (smtp.received.length === 0) await core.deliver();
    const link = linkIn(readMail(`${smtp.received[0]?.data}\r\n`));
    const secret = link.split('/').at(-1) ?? '';
    dumps.push(await dump());

    // Whatever one may do with such an address.
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'] as const) {
      if (method !== 'TRACE') await web.once(link, { method });
    }
    await web.once(`${link}/more?x=${secret}`);
    await web.once(`${link}%00`);
    await web.once(`${link}%zz`);
    await web.once(link, { method: 'POST', body: '{}' });
    await web.post(link, { csrf: 'forged' });
    const form = await useLink(web, link);
    const ticket = web.cookies().find(({ name }) => name === 'gatehouse_reset');
    expect(ticket).to.include({ path: '/' });
    await choose(web, form, 'too-weak');
    const done = await choose(web, form, NEW_PASSWORD);
    expect(titleOf(done)).to.equal(DONE);
    dumps.push(await dump());

    const secrets = { secret, ticket: ticket?.value ?? '', password: NEW_PASSWORD };
    for (const [name, value] of Object.entries(secrets)) {
      expect(value, name).to.have.length.greaterThan(9);
      expect(running.output(), `${name} in the log`).not.to.include(value);
      for (const each of dumps) expect(each, `${name} in the database`).not.to.include(value);
      for (const page of [asked, sent, form, done]) expect(page.text, name).not.to.include(value);
    }
    for (const page of [asked, sent, form, done]) {
      expect(page.headers.get('referrer-policy')).to.equal('no-referrer');
      expect(page.headers.get('cache-control')).to.equal('no-store');
      expect(page.url.href).not.to.include(secret);
    }
  });

  it('a log that is as loud as can be names no link when the database fails', async () => {
    const secret = 'Geheimer-Verweis-'.padEnd(43, '1');
    const { store: broken } = core;
    await broken.write(broken.compile(broken.sql.raw('drop table one_time_links')));
    const answer = await createWeb(running.url).once(`${running.url}/reset-password/${secret}`);
    expect(answer.status).to.equal(503);
    expect(answer.text).not.to.include(secret).and.not.to.include('one_time_links');
    expect(running.output()).to.include('one_time_links');
    expect(running.output()).not.to.include(secret);
  });
});
