// A receiver of back-channel logouts that says no: with 400 for good, and with whatever text it likes.
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { BACKCHANNEL_LOGOUT } from '../../src/domain/sessions/sessions.ts';
import { now } from '../../src/lib/clock.ts';
import { createOutboxTable } from '../../src/store/outbox.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty } from '../support/relying-party.ts';

describe('a receiver of back-channel logouts that answers', () => {
  let gatehouse: Gatehouse;
  let server: Server;
  let host: string;
  let clientId: string;
  let heard = 0;
  let answer: (response: ServerResponse) => void;
  let letters = 0;

  before(async () => {
    server = createServer((request, response) => {
      heard += 1;
      request.resume();
      response.on('error', () => undefined);
      answer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    gatehouse = await startGatehouse();
    const metadata = { backchannel_logout_uri: `http://${host}/logout` };
    clientId = (await createRelyingParty(gatehouse, { metadata })).id;
  });
  after(async () => {
    await gatehouse.stop();
    server.close();
    server.closeAllConnections();
  });

  /** A letter after its first try, and how often it was tried when ten minutes had passed. */
  const send = async (answers: typeof answer) => {
    [answer, heard, letters] = [answers, 0, letters + 1];
    const { store, deliver } = gatehouse.core;
    const outboxTable = createOutboxTable(store);
    const letter = {
      id: `logout-${letters}`,
      kind: BACKCHANNEL_LOGOUT,
      recipient: clientId,
      payload: { clientId, accountId: 'usr_somebody', sid: `session-${letters}` },
      attempts: 0,
      expiresAt: now() + 3_600_000,
    };
    await store.write(outboxTable.insert(letter, now()));
    while (heard === 0) await deliver();
    const query = store.sql('outbox').where({ id: letter.id });
    const find = async () => (await store.find(store.compile(query.clone()))) ?? {};
    while ((await find()).last_error === null) await deliver();
    await gatehouse.advance('10m');
    await deliver();
    const { done_at: done, payload, last_error: error } = await find();
    return { isDone: done !== null, payload, error: String(error), heard };
  };
  const refusing = (body: string | Buffer, status = 400) =>
    send((response) => void response.writeHead(status).end(body));

  it('400 with its reason is not asked again, and the reason is kept', async () => {
    const body = JSON.stringify({ error: 'invalid_request', error_description: 'wrong iss' });
    expect(await refusing(body)).to.deep.equal({
      isDone: true,
      payload: '{}',
      error: `${host} answered 400: invalid_request: wrong iss`,
      heard: 1,
    });
  });

  it('400 with what would garble a log or fill a table leaves one short line', async () => {
    const description = `\u001b[2J\u2028\u0000\r\nFAIL ${'x'.repeat(1500)}`;
    const { error } = await refusing(JSON.stringify({ error: 1, error_description: description }));
    expect(error)
      .to.match(/ answered 400: \[2J FAIL x+$/)
      .and.match(/^[^\p{C}\u2028]+$/u);
    expect(error.length).to.be.below(300);
    for (const body of ['', 'null', '[]', '"no"', '<html>', Buffer.alloc(5_000_000, 'x')]) {
      const refused = await refusing(body);
      expect(refused).to.deep.include({ isDone: true, heard: 1 });
      expect(refused.error).to.equal(`${host} answered 400: it gave no reason`);
    }
  });

  it('400 and breaks off is not asked again, either', async () => {
    const refused = await send((response) => {
      response.writeHead(400, { 'content-length': 100 });
      response.write('{"error":', () => response.destroy());
    });
    expect(refused).to.deep.include({ isDone: true, heard: 1 });
  });

  it('anything else is asked again', async () => {
    for (const status of [401, 404, 429, 500, 503]) {
      const refused = await refusing('{"error":"invalid_request"}', status);
      expect(refused).to.deep.include({ isDone: false, heard: 2 });
      expect(refused.error).to.include(` ${status} `);
      const { store } = gatehouse.core;
      await store.write(store.compile(store.sql('outbox').del()));
    }
  });
});
