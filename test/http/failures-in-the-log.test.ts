// What every request meets is no stack trace each: a busy house, a database that is away, a defect.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import Koa from 'koa';
import { catchErrors } from '../../src/http/middleware/errors.ts';
import { GatehouseError } from '../../src/lib/errors.ts';
import type { Log } from '../../src/lib/log.ts';
import { repeatedLines } from '../../src/lib/repeated-lines.ts';

const REQUESTS = 50;

describe('fifty requests that meet the same failure', () => {
  let server: Server;
  let failure: Error;
  let lines: Array<readonly [level: string, ...rest: unknown[]]>;
  let log: Log;

  before(async () => {
    const app = new Koa();
    const at =
      (level: string) =>
      (...rest: unknown[]) =>
        void lines.push([level, ...rest]);
    log = { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
    app.use(catchErrors({ log, render: () => '', t: (key) => key }));
    app.use(() => {
      throw failure;
    });
    server = createServer(app.callback());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  beforeEach(() => {
    lines = [];
  });
  afterEach(() => {
    repeatedLines(log).tick();
    repeatedLines(log).tick();
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const ask = async (error: Error): Promise<number[]> => {
    failure = error;
    const { port } = server.address() as AddressInfo;
    const answers = await Promise.all(
      Array.from({ length: REQUESTS }, () => fetch(`http://127.0.0.1:${port}/`)),
    );
    return answers.map(({ status }) => status);
  };

  it('too much going on is one warning without a stack', async () => {
    const statuses = await ask(new GatehouseError('busy', { retryAfter: 5 }));
    expect(statuses).to.deep.equal(Array(REQUESTS).fill(503));
    const { message } = new GatehouseError('busy');
    expect(lines).to.deep.equal([['warn', message]]);
  });

  it('a database that does not answer is one error with its cause, then a count', async () => {
    const cause = new Error('connect ECONNREFUSED');
    await ask(new GatehouseError('store_unavailable', { cause, retryAfter: 5 }));
    expect(lines).to.have.length(1);
    expect(lines[0]?.slice(0, 2)).to.deep.equal(['error', { err: cause }]);
    repeatedLines(log).tick();
    expect(lines.at(-1)?.[1]).to.include({
      what: 'store_unavailable: connect ECONNREFUSED',
      times: REQUESTS,
    });
  });

  it('a defect is told some times with its stack, and then counted', async () => {
    await ask(new TypeError('undefined is not a function'));
    expect(lines).to.have.length(20);
    repeatedLines(log).tick();
    expect(lines.at(-1)?.[1]).to.include({ left_out: REQUESTS - 20 });
  });
});
