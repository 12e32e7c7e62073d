// The two databases, and which tests run on both.
import { mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DatabaseAddress, migrateUp } from '../../src/store/migrate.ts';
import { postgres } from './postgres.ts';

export interface TestDatabase {
  readonly dataDir: string;
  /** For DATABASE_URL; undefined: SQLite in the data folder. */
  readonly url: string | undefined;
  remove(): void;
}

export interface StoreKind {
  readonly name: 'SQLite' | 'PostgreSQL';
  /** An empty one. */
  create(): Promise<TestDatabase>;
  /** One with all tables, copied from one that the migrations have made. */
  createMigrated(): Promise<TestDatabase>;
}

const MEMORY = '/dev/shm';
const PLENTY = 1024 ** 3;
const FILE = 'gatehouse.sqlite';

function folder(): Pick<TestDatabase, 'dataDir' | 'remove'> {
  const dataDir = mkdtempSync(join(temporaryFolder(), 'gatehouse-test-'));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

/** Memory where there is plenty: no test waits for a disk, and none can tell whether it did. */
function temporaryFolder(): string {
  if (process.env.TMPDIR) return tmpdir();
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > PLENTY ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

const SQLITE: StoreKind = {
  name: 'SQLite',
  create: async () => ({ ...folder(), url: undefined }),
  createMigrated: async () => {
    const database = await SQLITE.create();
    writeFileSync(join(database.dataDir, FILE), await migratedFile(), { mode: 0o600 });
    return database;
  },
};

const POSTGRES: StoreKind = {
  name: 'PostgreSQL',
  create: async () => ({ ...folder(), url: await (await postgres()).createDatabase() }),
  createMigrated: async () => {
    const server = await postgres();
    const template = await server.template('migrated', (url) => migrate('pg', url));
    return { ...folder(), url: await server.createDatabase(template) };
  },
};

let migrated: Promise<Buffer> | undefined;

function migratedFile(): Promise<Buffer> {
  migrated ??= makeMigratedFile();
  return migrated;
}

async function makeMigratedFile(): Promise<Buffer> {
  const { dataDir, remove } = folder();
  const file = join(dataDir, FILE);
  try {
    await migrate('better-sqlite3', file);
    return readFileSync(file);
  } finally {
    remove();
  }
}

async function migrate(dialect: DatabaseAddress['dialect'], location: string): Promise<void> {
  await migrateUp({ dialect, location, timeout: 30 });
}

type Tests = (store: StoreKind) => void;

const ALL_STORES = process.env.ALL_STORES === '1';

/** Runs tests on both: those of SQL, races, faults, and what only the database prevents. */
export function onBothStores(title: string, tests: Tests): void {
  for (const store of [SQLITE, POSTGRES]) describeOn(store, title, tests);
}

/** Runs tests of what is the same over any database: on one, and on both with `ALL_STORES=1`. */
export function onOneStore(title: string, tests: Tests): void {
  for (const store of ALL_STORES ? [SQLITE, POSTGRES] : [SQLITE]) describeOn(store, title, tests);
}

/** Runs tests on one, and on both those of which the pattern finds the title: races, mostly. */
export function onOneStoreExcept(pattern: RegExp, title: string, tests: Tests): void {
  onOneStore(title, tests);
  if (ALL_STORES) return;
  const suite = describeOn(POSTGRES, title, tests);
  keepOnly(suite, pattern);
  if (suite.total() === 0) throw new Error(`no test in "${title}" is called ${pattern}`);
}

function describeOn(store: StoreKind, title: string, tests: Tests): Mocha.Suite {
  return describe(`${title} (${store.name})`, () => tests(store));
}

function keepOnly(suite: Mocha.Suite, pattern: RegExp): void {
  suite.tests = suite.tests.filter((test) => pattern.test(test.fullTitle()));
  for (const inner of suite.suites) keepOnly(inner, pattern);
}

export { POSTGRES, SQLITE };
