// Text messages: who is asked to send them, how the post is signed, and when none are offered.
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { createSms } from '../../src/domain/notices/sms.ts';
import { now } from '../../src/lib/clock.ts';
import { createVault } from '../../src/lib/vault.ts';
import { createOutboxTable } from '../../src/store/outbox.ts';
import {
  advanceClock,
  type Gatehouse,
  startGatehouse,
  WITHOUT_FACTOR,
} from '../support/gatehouse.ts';
import { deliverAll, outboxFiles } from '../support/mailbox.ts';
import { onOneStore } from '../support/stores.ts';

const SECRET = 'a-secret-for-the-webhook-of-32-letters';
const TO = '+15005550006';
const TEXT = '123456 is your Gatehouse code.';

interface Posted {
  readonly headers: IncomingMessage['headers'];
  readonly method: string | undefined;
  readonly body: string;
}

type Respond = (count: number) => { status: number; headers?: Record<string, string> };

/** The gateway of somebody who sends text messages. */
async function startWebhook(respond: Respond = () => ({ status: 204 })) {
  const posted: Posted[] = [];
  const server = createServer(async (request, response) => {
    const { headers, method } = request;
    posted.push({ headers, method, body: await text(request) });
    const { status, headers: answered = {} } = respond(posted.length);
    response.writeHead(status, answered).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { posted, url: `http://localhost:${port}/send`, stop };
}

onOneStore('text messages', (store) => {
  let gatehouse: Gatehouse;
  let stop = (): void => undefined;

  const start = async (sms: object, more: object = {}) => {
    const database = await store.create();
    const file = join(database.dataDir, 'config.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, sms, ...more }));
    const env = { GATEHOUSE_CONFIG: file, SMS_WEBHOOK_SECRET: SECRET };
    gatehouse = await startGatehouse({ database, env });
  };
  afterEach(async () => {
    await advanceClock(gatehouse.url, undefined);
    stop();
    stop = () => undefined;
    await gatehouse.stop();
  });

  const startHooked = async (respond?: Respond, more: object = {}) => {
    const hook = await startWebhook(respond);
    stop = hook.stop;
    await start({ enabled: true, webhook_url: hook.url }, more);
    return hook;
  };
  const createSender = () => {
    const { core, database } = gatehouse;
    const vault = createVault(readFileSync(join(database.dataDir, 'secret'), 'utf8').trim());
    return createSms({ config: core.config, outboxTable: createOutboxTable(core.store), vault });
  };
  const send = async (expiresAt = now() + 300_000) => {
    await gatehouse.core.store.write(createSender().send({ to: TO, text: TEXT, expiresAt }));
  };
  const letters = async () => {
    const { store: database } = gatehouse.core;
    return database.all(database.compile(database.sql('outbox')));
  };

  it('are posted as JSON, signed with the time in it', async () => {
    const { posted } = await startHooked();
    await send();
    await deliverAll(gatehouse);
    expect(posted).to.have.length(1);
    const [{ method, headers, body }] = posted as [Posted];
    expect(method).to.equal('POST');
    expect(headers['content-type']).to.equal('application/json');
    const { id, ...message } = JSON.parse(body);
    expect(message).to.deep.equal({ to: TO, text: TEXT });
    expect(id).to.match(/^[\w-]{22}$/);
    const [, seconds, mac] =
      /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['gatehouse-signature'])) ?? [];
    expect(Number(seconds) * 1000).to.be.closeTo(Date.now(), 60_000);
    const expected = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex');
    expect(mac).to.equal(expected);
  });

  it('stand sealed in the outbox, and leave nothing there', async () => {
    const { url } = await startHooked(() => ({ status: 500 }));
    await send();
    await deliverAll(gatehouse);
    const [row] = await letters();
    expect(row).to.include({ done_at: null, last_error: `${new URL(url).host} answered 500` });
    expect(JSON.parse(String(row?.payload))).to.have.all.keys(['to', 'sealed']);
    expect(JSON.stringify(row)).not.to.include('123456');
  });

  it('come again after a failure under the same id, and not once they have expired', async () => {
    const { posted } = await startHooked((count) => ({ status: count < 2 ? 503 : 200 }));
    await send();
    await deliverAll(gatehouse);
    await gatehouse.advance('2m');
    await deliverAll(gatehouse);
    expect(posted).to.have.length(2);
    expect(posted[1]?.body).to.equal(posted[0]?.body);
    await send(now() + 60_000);
    await gatehouse.advance('61s');
    await deliverAll(gatehouse);
    expect(posted).to.have.length(2);
  });

  it('follow no redirect', async () => {
    const { posted, url } = await startHooked(() => ({
      status: 307,
      headers: { location: '/other' },
    }));
    await send();
    await deliverAll(gatehouse);
    expect(posted).to.have.length(1);
    expect((await letters())[0]?.last_error).to.equal(`${new URL(url).host} answered 307`);
  });

  it('reach no private address unless that is allowed', async () => {
    const { posted } = await startHooked(undefined, { outgoing: { allow_private: false } });
    await send();
    await deliverAll(gatehouse);
    expect(posted).to.have.length(0);
    expect((await letters())[0]).to.include({ done_at: null });
  });

  it('give a webhook up that does not answer', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    stop = () => {
      silent.close();
      silent.closeAllConnections();
    };
    const { port } = silent.address() as AddressInfo;
    const webhook_url = `http://localhost:${port}/`;
    await start({ enabled: true, webhook_url }, { outgoing: { timeout: 1 } });
    await send();
    await deliverAll(gatehouse);
    expect((await letters())[0]).to.include({ done_at: null });
  });

  it('are files where there is no webhook, outside production', async () => {
    await start({ enabled: true });
    await send();
    await deliverAll(gatehouse);
    const [file = ''] = outboxFiles(gatehouse.database.dataDir, '.sms.json');
    const { id, ...message } = JSON.parse(readFileSync(file, 'utf8'));
    expect(message).to.deep.equal({ to: TO, text: TEXT });
    expect(file).to.match(new RegExp(`Z-${id}\\.sms\\.json$`));
  });

  it('are not there unless they are switched on', async () => {
    await start({});
    expect(createSender().isOffered).to.equal(false);
    expect(() => createSender().send({ to: TO, text: TEXT, expiresAt: 0 })).to.throw();
  });
});

describe('whether text messages are offered', () => {
  const url = 'https://sms.example.com/send';
  const cases = [
    ['production', { enabled: true, webhook_url: url }, true],
    ['production', { enabled: true }, false],
    ['production', { enabled: false, webhook_url: url }, false],
    ['development', { enabled: true }, true],
    ['development', { enabled: false, webhook_url: url }, false],
  ] as const;
  for (const [env, sms, offered] of cases) {
    it(`${JSON.stringify(sms)} in ${env}: ${offered}`, () => {
      const config = { env, sms };
      const { isOffered } = createSms({ config, outboxTable: {} as never, vault: {} as never });
      expect(isOffered).to.equal(offered);
    });
  }
});
