// PostgreSQL stops answering: one time-out, then refusals at once and a probe a second.
import { once } from 'node:events';
import { Writable } from 'node:stream';
import { expect } from 'chai';
import pino from 'pino';
import type { GatehouseError } from '../../src/lib/errors.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import type { Engine } from '../../src/store/store.ts';
import { type SilentProxy, startSilentProxy } from '../support/silent-proxy.ts';
import { POSTGRES, type TestDatabase } from '../support/stores.ts';

const SELECT = { sql: 'select 1 as one', bindings: [] };
const SLEEP = { sql: 'select pg_sleep(5)', bindings: [] };

describe('PostgreSQL silent', () => {
  let database: TestDatabase;
  let proxy: SilentProxy;
  let engine: Engine;
  let said: Array<{ msg: string; refused?: number }>;
  const lines = new Writable({
    write: (chunk, _, done) => {
      said.push(JSON.parse(String(chunk)));
      lines.emit('line');
      done();
    },
  });

  before(async () => {
    database = await POSTGRES.create();
    proxy = await startSilentProxy(String(database.url));
  });
  beforeEach(() => {
    said = [];
    engine = openPostgres({ url: proxy.url, pool: 2, timeout: 0.4, log: pino(lines) });
  });
  afterEach(async () => {
    await engine.close();
  });
  after(async () => {
    await proxy.stop();
    database.remove();
  });

  const fails = (work: Promise<unknown>): Promise<GatehouseError> =>
    work.then(
      () => expect.fail('it was answered'),
      (error) => error,
    );
  const untilItAnswers = async () => {
    while (said.at(-1)?.msg !== 'PostgreSQL answers again') await once(lines, 'line');
  };

  it('whoever waits for a connection is refused with the first time-out, and who comes later at once', async () => {
    await engine.all(SELECT);
    proxy.silence();
    const many = (count: number) => Array.from({ length: count }, () => fails(engine.all(SELECT)));
    const first = many(2);
    // Their own time is not over when that of the first is.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const errors = await Promise.all([...first, ...many(38)]);
    expect(new Set(errors.map(({ code }) => code))).to.deep.equal(new Set(['store_unavailable']));
    const asked = proxy.asked();
    const later = await Promise.all(many(100));
    expect(later.map(({ code, retryAfter }) => [code, retryAfter])).to.deep.equal(
      later.map(() => ['store_unavailable', 5]),
    );
    expect(proxy.asked(), 'nothing was asked for them').to.be.at.most(asked + 1);
    expect(said.map(({ msg }) => msg)).to.deep.equal([
      "PostgreSQL isn't responding: requests are refused until it does",
    ]);

    proxy.speak();
    await untilItAnswers();
    expect(said).to.have.length(2);
    expect(said[1]?.refused).to.be.within(138, 140);
    expect(await engine.all(SELECT)).to.deep.equal([{ one: 1 }]);
  });

  it('one probe at a time asks, by a connection of its own', async () => {
    await engine.all(SELECT);
    proxy.silence();
    await fails(engine.all(SELECT));
    const connections = proxy.connections();
    while (proxy.connections() < connections + 2) {
      await fails(engine.all(SELECT));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(proxy.connections()).to.equal(connections + 2);
    proxy.speak();
    await untilItAnswers();
  });

  it('a statement that the server itself cancels opens nothing', async () => {
    await fails(engine.all(SLEEP));
    expect(said).to.deep.equal([]);
    expect(await engine.all(SELECT)).to.deep.equal([{ one: 1 }]);
  });

  it('too many that wait for a connection are told that it is busy', async () => {
    const asked = Array.from({ length: 300 }, () =>
      engine.all(SELECT).then(
        () => 'answered',
        ({ code }) => code,
      ),
    );
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((each) => each === 'busy')).to.have.length(98);
    expect(outcomes.filter((each) => each === 'answered')).to.have.length(202);
  });
});
