// The two databases that every test of behaviour runs on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgres } from './postgres.ts';

export interface TestDatabase {
  readonly dataDir: string;
  /** For DATABASE_URL; undefined: SQLite in the data folder. */
  readonly url: string | undefined;
  remove(): void;
}

export interface StoreKind {
  readonly name: 'SQLite' | 'PostgreSQL';
  create(): Promise<TestDatabase>;
}

function folder(): Pick<TestDatabase, 'dataDir' | 'remove'> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

const SQLITE: StoreKind = {
  name: 'SQLite',
  create: async () => ({ ...folder(), url: undefined }),
};

const POSTGRES: StoreKind = {
  name: 'PostgreSQL',
  create: async () => ({ ...folder(), url: await (await postgres()).createDatabase() }),
};

/** Runs the same tests on both. */
export function onBothStores(title: string, tests: (store: StoreKind) => void): void {
  for (const store of [SQLITE, POSTGRES]) {
    describe(`${title} (${store.name})`, () => tests(store));
  }
}

export { POSTGRES, SQLITE };
