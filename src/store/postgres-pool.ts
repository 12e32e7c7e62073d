// Connections to the first server that lets us in: other hosts, other kinds of TLS, fewer words.
import pg from 'pg';
import { elapsed } from '../lib/clock.ts';
import { isGatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { currentRequest } from '../lib/request-context.ts';
import { nameOf, type PostgresAddress, type Way } from './postgres-address.ts';
import { isAboutHost, isAboutTls, isTooMuchSaid } from './postgres-faults.ts';
import { createPlaces } from './postgres-places.ts';

export interface PoolOptions {
  readonly address: PostgresAddress;
  readonly max: number;
  /** Seconds. */
  readonly timeout: number;
  readonly log: Log;
}

export interface Lent {
  readonly client: pg.PoolClient;
  /** A pooler keeps settings from us: they are said with each transaction. */
  readonly isTerse: boolean;
  /** @param broken it is closed, and where another host may fare better that one is asked next */
  release(broken: Error | undefined): void;
}

export interface Pool {
  /** Throws `busy` where too many wait for a connection. */
  lend(): Promise<Lent>;
  /** Asks by a connection of its own; rejects where nothing answers. */
  probe(): Promise<void>;
  /** From now on others are lent: those that are idle are closed. */
  renew(): void;
  end(): Promise<void>;
}

const LONGEST_PROBE = 5;

// Times and counts are bigint columns: well within 2^53.
const types = {
  getTypeParser: (oid: number, format?: string) =>
    oid === pg.types.builtins.INT8
      ? (text: string) => Number(text)
      : pg.types.getTypeParser(oid, format as 'text'),
};

export function openPool(options: PoolOptions): Pool {
  const { ways, wantsPrimary } = options.address;
  const patience = options.timeout * 1000;
  let isTerse = false;
  let at = 0;
  let pool = makePool(wayAt(ways, at), isTerse, options);
  let places = createPlaces({ max: options.max, patience });
  const left = new Set<Promise<void>>();
  /** Those who wait for a connection of `pool`. */
  const waiting = new Set<() => void>();

  const startAnew = (from: pg.Pool, change: () => void) => {
    // Whoever fails at the same moment has moved on already.
    if (from !== pool) return;
    change();
    pool = makePool(wayAt(ways, at), isTerse, options);
    const before = places;
    places = createPlaces({ max: options.max, patience });
    const end = from.end().finally(() => left.delete(end));
    left.add(end);
    // A pool that ends serves nobody who waits.
    before.clear(madeAnew());
    for (const moveOn of waiting) moveOn();
    waiting.clear();
  };

  const connect = (from: pg.Pool): Promise<pg.PoolClient> =>
    new Promise((resolve, reject) => {
      const moveOn = () => reject(madeAnew());
      waiting.add(moveOn);
      from.connect().then(
        (client) => (waiting.delete(moveOn) ? resolve(client) : client.release()),
        (error) => {
          waiting.delete(moveOn);
          reject(error);
        },
      );
    });

  /** @returns whether another try makes sense */
  const adapt = (error: unknown, from: pg.Pool): boolean => {
    if (isTooMuchSaid(error) && !isTerse) {
      options.log.warn({ said: (error as Error).message }, TERSE);
      startAnew(from, () => {
        isTerse = true;
      });
      return true;
    }
    const next = wayAfter(error, ways, at);
    if (next === undefined) return from !== pool;
    startAnew(from, () => {
      at = next;
    });
    return true;
  };

  const lend = async (tries: number, until: number): Promise<Lent> => {
    const from = pool;
    let leave: (() => void) | undefined;
    try {
      leave = await places.take(currentRequest().mayWait ?? false);
      const client = await connect(from);
      return { client, isTerse, release: giveBack(client, leave, from) };
    } catch (error) {
      leave?.();
      // Each host may be silent for as long: whoever comes next asks the next one.
      if (isGatehouseError(error) || !adapt(error, from)) throw error;
      if (tries <= 1 || elapsed() >= until) throw error;
      return lend(tries - 1, until);
    }
  };

  const probe = async () => {
    const from = pool;
    const within = Math.min(options.timeout, LONGEST_PROBE);
    try {
      await askOnce(wayAt(ways, at), within, wantsPrimary);
    } catch (error) {
      adapt(error, from);
      throw error;
    }
  };

  const giveBack =
    (client: pg.PoolClient, leave: () => void, from: pg.Pool) => (broken: Error | undefined) => {
      client.release(broken);
      leave();
      if (broken && (ways.length > 1 || wantsPrimary)) adapt(broken, from);
    };

  return {
    lend: () => lend(ways.length + 1, elapsed() + patience),
    probe,
    renew: () => startAnew(pool, () => undefined),
    end: async () => {
      await Promise.all([pool.end(), ...left]);
    },
  };
}

const madeAnew = () => new Error('the connections are made anew');

const TERSE =
  'the pooler before PostgreSQL does not pass statement_timeout on: it holds in transactions alone; "alter role … set statement_timeout" makes it hold everywhere';

function wayAt(ways: readonly Way[], at: number): Way {
  return ways[at % ways.length] ?? {};
}

/** Undefined: no other one is likely to fare better. */
function wayAfter(error: unknown, ways: readonly Way[], at: number): number | undefined {
  const here = wayAt(ways, at);
  const others = ways.map((_, step) => (at + 1 + step) % ways.length);
  const isElsewhere = ({ host, port }: Way) => host !== here.host || port !== here.port;
  const isOtherKind = (way: Way) => !isElsewhere(way) && Boolean(way.ssl) !== Boolean(here.ssl);
  const find = (fits: (way: Way) => boolean) => others.find((each) => fits(wayAt(ways, each)));
  const sameHost = isAboutTls(error) ? find(isOtherKind) : undefined;
  if (sameHost !== undefined && sameHost > at) return sameHost;
  return isAboutTls(error) || isAboutHost(error) ? (find(isElsewhere) ?? sameHost) : undefined;
}

function makePool(
  way: Way,
  isTerse: boolean,
  { max, timeout, log, address }: PoolOptions,
): pg.Pool {
  const within = timeout * 1000;
  const bounds = {
    // Before we give it up: a server that cancels a statement does answer.
    statement_timeout: Math.round(0.9 * within),
    idle_in_transaction_session_timeout: within,
  };
  const pool = new pg.Pool({
    ...way,
    ...(isTerse ? {} : bounds),
    max,
    types: types as pg.CustomTypesConfig,
    connectionTimeoutMillis: within,
    query_timeout: within,
    keepAlive: true,
    ...(address.wantsPrimary ? { onConnect: assertPrimary } : {}),
  });
  reportOnce(pool, way, log);
  return pool;
}

/** The first way that leads to a server; its connection is closed again. */
export async function findWay(
  { ways, wantsPrimary, withoutPassword }: PostgresAddress,
  timeout: number,
): Promise<Way> {
  let at = 0;
  for (let tries = 1; ; tries += 1) {
    const way = wayAt(ways, at);
    const client = new pg.Client({ ...way, connectionTimeoutMillis: timeout * 1000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      if (wantsPrimary) await assertPrimary(client);
      return way;
    } catch (error) {
      (error as Error).message = withoutPassword((error as Error).message);
      const next = wayAfter(error, ways, at);
      if (next === undefined || tries >= ways.length) throw error;
      at = next;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function askOnce(way: Way, seconds: number, wantsPrimary: boolean): Promise<void> {
  const within = seconds * 1000;
  const client = new pg.Client({ ...way, connectionTimeoutMillis: within, query_timeout: within });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await (wantsPrimary ? assertPrimary(client) : client.query('select 1'));
  } catch (error) {
    // All its connections are in use, which is an answer.
    if (!/^53/.test((error as { code?: string }).code ?? '')) throw error;
  } finally {
    // A server that says nothing does not say good-bye either.
    void client.end().catch(() => undefined);
  }
}

async function assertPrimary(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ only: string }>('show transaction_read_only');
  if (String(Object.values(rows[0] ?? {})[0]) !== 'on') return;
  throw new Error('the server takes no writes, and target_session_attrs asks for one that does');
}

/** A lost server makes every pooled connection cry out: once a minute is enough. */
function reportOnce(pool: pg.Pool, way: Way, log: Log): void {
  let silent = false;
  // While a client is lent out the pool does not listen: unheard, its error would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
  });
  pool.on('error', (error) => {
    if (silent) return;
    silent = true;
    setTimeout(() => {
      silent = false;
    }, 60_000).unref();
    log.warn({ err: error, server: nameOf(way) }, 'a database connection was lost');
  });
}
