// Starts what is measured, each in a process of its own, and stops it again.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { openCore } from '../src/app.ts';
import { loadConfig } from '../src/config/load.ts';
import { PROJECT_ROOT } from '../src/lib/root.ts';
import { freePort } from '../test/support/gatehouse.ts';
import type { BareSetup } from './bare.ts';
import type { Server, ServerName } from './requests.ts';
import type { HashRate } from './results.ts';
import { CLIENTS, HASH_COSTS, PEOPLE, RESOURCES, type StoreName } from './setup.ts';

export interface Started extends Server {
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly store: StoreName;
  readonly profile: string | undefined;
}

type Environment = Readonly<Record<string, string>>;

const PATIENCE = 20_000;
const running = new Set<ChildProcess>();
const folders = new Set<string>();

// However this process ends, nothing of it stays behind.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export async function startBare({ profile }: StartOptions): Promise<Started> {
  const port = await freePort();
  const setup: BareSetup = {
    port,
    people: PEOPLE,
    resources: RESOURCES,
    clients: CLIENTS.map(({ id, secret, metadata }) => ({
      ...metadata,
      redirect_uris: [...metadata.redirect_uris],
      grant_types: [...metadata.grant_types],
      response_types: [...metadata.response_types],
      client_id: id,
      client_secret: secret,
    })),
  };
  const command = [process.execPath, '--disable-warning=ExperimentalWarning', fileOf('bare.ts')];
  const env = { NODE_ENV: 'test', BENCH_SETUP: JSON.stringify(setup), ...profiling(profile) };
  return launch('bare', port, command, env);
}

/** A fresh database with the people and clients in it, and the server as an operator starts it. */
export async function startGatehouse({ store, profile }: StartOptions): Promise<Started> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  folders.add(folder);
  const port = await freePort();
  const configFile = join(folder, 'bench.json');
  const { memoryCost: memory, timeCost: passes } = HASH_COSTS;
  const hashing = { memory, passes };
  const settings = { resources: RESOURCES, mfa: { required: false }, hashing };
  writeFileSync(configFile, JSON.stringify(settings));
  const env = {
    NODE_ENV: 'test',
    PORT: String(port),
    DATA_DIR: folder,
    LOG_LEVEL: 'error',
    WORKERS: '1',
    GATEHOUSE_CONFIG: configFile,
    ...(store === 'postgres' ? { DATABASE_URL: await createDatabase() } : {}),
  };
  await seed(env);
  const command = [join(PROJECT_ROOT, 'bin/gatehouse'), 'serve', '--no-demo'];
  const started = await launch('gatehouse', port, command, { ...env, ...profiling(profile) });
  const stop = async () => {
    await started.stop();
    rmSync(folder, { recursive: true, force: true });
    folders.delete(folder);
  };
  return { ...started, stop };
}

async function seed(env: Environment): Promise<void> {
  const core = await openCore(loadConfig(env));
  try {
    await Promise.all(PEOPLE.map((person) => core.accounts.create(person)));
    for (const { id, secret, metadata } of CLIENTS) {
      await core.clients.create({ ...metadata, first_party: true }, { id, secret });
    }
  } finally {
    await core.close();
  }
}

async function createDatabase(): Promise<string> {
  const { postgres } = await import('../test/support/postgres.ts');
  return (await postgres()).createDatabase();
}

export async function stopDatabase(store: StoreName): Promise<void> {
  if (store !== 'postgres') return;
  const { stopPostgres } = await import('../test/support/postgres.ts');
  await stopPostgres();
}

/** argon2id, with nothing beside it. */
export async function measureHashes(seconds: number): Promise<HashRate> {
  const flags = ['--disable-warning=ExperimentalWarning'];
  const args = [...flags, fileOf('hashes.ts'), String(seconds)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout);
}

function fileOf(name: string): string {
  return join(import.meta.dirname, name);
}

function profiling(folder: string | undefined): Environment {
  return folder ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` } : {};
}

async function launch(
  name: ServerName,
  port: number,
  [file = '', ...args]: readonly string[],
  env: Environment,
): Promise<Started> {
  const inherited = { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR };
  const child = spawn(file, args, { env: { ...inherited, ...env }, stdio: 'pipe' });
  running.add(child);
  let said = '';
  const listen = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-2000);
  };
  child.stdout.on('data', listen);
  child.stderr.on('data', listen);
  const issuer = `http://localhost:${port}`;
  await ready(name, port, child, () => said);
  return { name, port, issuer, pid: child.pid ?? 0, stop: () => stop(child) };
}

async function ready(
  name: string,
  port: number,
  child: ChildProcess,
  said: () => string,
): Promise<void> {
  for (let waited = 0; waited < PATIENCE; waited += 50) {
    if (child.exitCode !== null) throw new Error(`${name} ended at once:\n${said()}`);
    const url = `http://127.0.0.1:${port}/.well-known/openid-configuration`;
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`${name} does not answer:\n${said()}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  running.delete(child);
}
