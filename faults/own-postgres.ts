// A PostgreSQL of the experiment's own, behind a proxy: it can be frozen, restarted and replaced.
import pg from 'pg';
import { migrateUp } from '../src/store/migrate.ts';
import { type Running, startPostgres } from '../test/support/postgres.ts';
import { SQLITE, type TestDatabase } from '../test/support/stores.ts';
import type { Bench } from './experiment.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface OwnPostgres {
  readonly server: Running;
  /** As we reach it. */
  readonly database: TestDatabase;
  /** As the nodes reach it: through the proxy. */
  readonly nodesUrl: string;
  readonly proxy: TcpProxy;
}

export async function ownPostgres(bench: Bench): Promise<OwnPostgres> {
  const server = await startPostgres();
  bench.finally(() => server.stop());
  const url = await server.createDatabase();
  await migrateUp({ dialect: 'pg', location: url, timeout: 30 });
  const folder = await SQLITE.create();
  bench.finally(() => folder.remove());
  const proxy = await startTcpProxy(server.port);
  bench.finally(() => proxy.stop());
  return { server, proxy, database: { ...folder, url }, nodesUrl: withPort(url, proxy.port) };
}

export function withPort(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}

export async function query(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await client.query(text);
  } finally {
    await client.end();
  }
}

export function signal(server: Running, name: 'SIGSTOP' | 'SIGCONT'): void {
  for (const pid of server.processes()) process.kill(pid, name);
}
