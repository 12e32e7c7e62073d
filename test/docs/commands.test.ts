// Every command in the documents is typed as it stands there, at a Gatehouse of the test's own.
import { generateKeyPairSync } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect } from 'chai';
import { importPKCS8, SignJWT } from 'jose';
import { loadConfig } from '../../src/config/load.ts';
import { nowSeconds } from '../../src/lib/clock.ts';
import { randomId } from '../../src/lib/ids.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { runHere } from '../support/commands.ts';
import {
  type Block,
  blocksOf,
  commandsIn,
  documents,
  openShell,
  type Shell,
} from '../support/documents.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { advanceClock, freePort, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { PASSWORD } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

/** Document and first line of a block. */
type Name = `${string}: ${string}`;

const NOT_RUN: Readonly<Record<Name, string>> = {
  'CONTRIBUTING.md: npm ci              # everything, with Node 24, a PostgreSQL and a browser':
    'runs the whole suite, and asks the registry',
  'CONTRIBUTING.md: npx mocha test/signin/steps.test.ts': 'other tests, and a debugger that waits',
  'CONTRIBUTING.md: DATA_DIR=/tmp/gatehouse PORT=4000 DEMO_PORT=4001 npm start':
    'test/cli/serve.test.ts starts it, in a folder of its own',
  'README.md: npm ci && npm start': 'asks the registry; test/cli/serve.test.ts starts it',
  'README.md: npm ci && npm test': 'runs the whole suite, and asks the registry',
  'docs/getting-started.md: npm ci && npm start': 'as in the README',
  'docs/getting-started.md: npm init --yes && npm install openid-client': 'asks the registry',
  'docs/operations.md: npm ci --omit=dev':
    'asks the registry; test/cli/production-install.test.ts is about such an installation',
  'docs/operations.md: docker build --tag gatehouse .': 'needs a container engine',
  'docs/performance.md: npm run bench                                 # three rounds, about four minutes':
    'takes minutes, and measures',
  'docs/reliability.md: npm run faults -- --list':
    'the rest of the block takes minutes; test/faults/experiments.test.ts runs a short one',
  'docs/performance.md: node bench/parsers.ts               # the worst input for everything that reads anonymous input':
    'takes minutes, and measures',
};

/** Commands within a block that is run. */
const LEFT_OUT: ReadonlyArray<readonly [Name, part: string, why: string]> = [
  [
    'examples/resource-server/README.md: GATEHOUSE_CONFIG=examples/resource-server/gatehouse.json npm start',
    'npm start',
    'the Gatehouse of this test has the same scopes',
  ],
  [
    'examples/service-account/README.md: npx node examples/service-account/get-token.ts export.json',
    'pip install',
    'asks a registry; test/examples/get-token.test.ts runs the program where its packages are',
  ],
];

/** Environment variables and nothing else: what they set is loaded. */
const SETTINGS: ReadonlySet<Name> = new Set<Name>([
  'docs/operations.md: NODE_ENV=production',
  'docs/operations.md: DATABASE_URL=postgres://gatehouse:…@db.example.com/gatehouse',
  'docs/operations.md: SMTP_URL=smtps://USER:PASSWORD@smtp.example.com',
]);

interface Typed {
  /** Text of the document → what a person has there instead. */
  readonly fill?: () => Readonly<Record<string, string>>;
  readonly env?: () => Readonly<Record<string, string>>;
  readonly before?: () => unknown;
  /** Of all that the block printed. */
  readonly prints?: RegExp;
  /** What the last command prints, which then goes on until the end of the test. */
  readonly until?: RegExp;
  readonly after?: () => unknown;
}

const nameOf = ({ file, text }: Block): Name => `${file}: ${text.split('\n')[0]}`;
const RESOURCES = ['orders:read', 'orders:write', 'read', 'write'];
const TOTP_SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';

describe('commands in the documents', () => {
  const all = documents().flatMap(blocksOf);
  const typed = all.filter(({ language }) => ['sh', 'bash', 'console', 'shell'].includes(language));
  const shells: Shell[] = [];
  /** What earlier commands have printed. */
  const known: Record<string, string> = {};
  let gatehouse: Gatehouse;
  let commands: Server;
  let folder: string;
  let env: Record<string, string>;
  let api: number;
  let app: number;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-documents-'));
    const [database, port] = [await SQLITE.createMigrated(), await freePort()];
    const config = join(folder, 'config.json');
    const identifiers = [`http://localhost:${port}/api`, 'https://api.example.com'];
    const resources = identifiers.map((identifier) => ({ identifier, scopes: RESOURCES }));
    writeFileSync(config, JSON.stringify({ resources, mfa: { required: false } }));
    const own = { GATEHOUSE_CONFIG: config, PORT: String(port) };
    gatehouse = await startGatehouse({ database, port, env: own });
    [api, app] = [await freePort(), await freePort()];
    commands = await serveCommands((args, stdin) => runHere(args, { database, env: own, stdin }));
    layOut(folder);
    const { port: at } = commands.address() as AddressInfo;
    env = {
      PATH: [join(folder, 'bin'), dirname(process.execPath), process.env.PATH].join(':'),
      COMMANDS_AT: `http://127.0.0.1:${at}`,
      ISSUER: gatehouse.url,
      HOME: folder,
    };
  });
  after(async () => {
    for (const each of shells) await each.stop();
    commands.close();
    commands.closeAllConnections();
    await gatehouse.stop();
    rmSync(folder, { recursive: true });
  });

  const TYPED: Readonly<Record<Name, Typed>> = {
    "README.md: ./bin/gatehouse client create --name 'My App' \\": { prints: /^client_secret /m },
    [`README.md: printf '%s' '${PASSWORD}' |`]: { prints: /^email +alex@example\.com$/m },
    'docs/audit.md: gatehouse explain YJ3M83ZGE0': {
      before: leaveTrace,
      prints: /unknown account/,
    },
    'docs/audit.md: gatehouse explain alex@example.com': { prints: /^ {2}Active\.$/m },
    'docs/audit.md: gatehouse audit tail': { prints: /sign_in|account/ },
    [`docs/getting-started.md: printf '%s' '${PASSWORD}' |`]: {
      fill: () => ({ 'alex@': 'alex.of.the.guide@' }),
      prints: /^id +usr_/m,
    },
    "docs/getting-started.md: ./bin/gatehouse client create --name 'My App' \\": {
      prints: /^client_secret /m,
    },
    'docs/getting-started.md: CLIENT_ID=app_… CLIENT_SECRET=… node app.mjs': {
      before: writeApplication,
      until: /Open http:\S+/,
      after: assertApplication,
    },
    "docs/json-sign-in.md: gatehouse client create --name 'My App' --first-party --grant refresh_token --json":
      { prints: /"client_secret"/ },
    'docs/json-sign-in.md: curl -u "$CLIENT_ID:$CLIENT_SECRET" https://id.example.com/v1/auth/login \\':
      {
        before: () =>
          createExistingPerson(gatehouse, {
            email: 'person@example.com',
            totp_secret: TOTP_SECRET,
          }),
        env: () => ({ CLIENT_ID: known.client ?? '', CLIENT_SECRET: known.secret ?? '' }),
        fill: () => ({ '"…"': `"${PASSWORD}"`, 123456: codeFor(TOTP_SECRET) }),
        prints: /"refreshToken":/,
      },
    'docs/operations.md: gatehouse keys rotate': { prints: /waiting/ },
    'docs/operations.md: node --input-type=module -e "': {
      fill: () => ({
        'data/gatehouse.sqlite': join(gatehouse.database.dataDir, 'gatehouse.sqlite'),
        '/backup/': `${folder}/`,
      }),
      after: () => expect(existsSync(join(folder, 'gatehouse.sqlite'))).to.equal(true),
    },
    "docs/operations.md: gatehouse account allow-addresses WHO 192.0.2.0/24 2001:db8::/32 --reason 'office and VPN only'":
      { prints: /alex@example\.com/ },
    'docs/passwords.md: gatehouse account import people.ndjson --dry-run': {
      before: () =>
        writeFileSync(join(folder, 'people.ndjson'), '{"email":"imported@example.com"}\n'),
      prints: /1 would be imported, 0 refused\n[\s\S]*1 imported, 0 refused/,
    },
    "docs/relying-parties.md: gatehouse client create --name 'My App' --redirect-uri https://app.example.com/callback":
      { prints: /^client_secret /m },
    "docs/relying-parties.md: gatehouse client create --name 'Nightly export' --grant client_credentials \\":
      { prints: /"access_token":"eyJ/ },
    "docs/relying-parties.md: gatehouse client create --name 'Orders API' --grant client_credentials \\":
      { prints: /^client_secret /m },
    "docs/relying-parties.md: curl -d client_id=CLIENT_ID -d scope='openid email' https://id.example.com/device/authorize":
      { before: registerDevice, prints: /"user_code":/ },
    'docs/service-accounts.md: gatehouse service-account create --name Deployments --key-file deployments.json':
      { prints: /curl/ },
    'docs/service-accounts.md: gatehouse service-account create --name Deployments --public-jwk public.json':
      { before: writePublicKey, prints: /^kid /m },
    "docs/service-accounts.md: gatehouse service-account update sa_… --scope 'read' --allow-address 192.0.2.0/24 --ticket OPS-7":
      { before: readKeyFile, prints: /127\.0\.0\.0\/8/ },
    'docs/service-accounts.md: curl -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \\': {
      before: signAssertion,
      prints: /"access_token":"eyJ/,
    },
    'docs/service-accounts.md: gatehouse service-account add-key sa_… --key-file new.json --expires 90d   # the old one still counts':
      { prints: /revoked/ },
    'docs/service-accounts.md: gatehouse explain sa_…          # how it stands: status, keys, lists, closed limits, newest events':
      { prints: /Deployments[\s\S]*unknown account/ },
    "examples/json-sign-in/README.md: ./bin/gatehouse client create --name 'Terminal' --first-party --grant refresh_token":
      { env: () => ({ EMAIL: 'alex@example.com', PASSWORD }), until: /eyJ/ },
    'examples/resource-server/README.md: GATEHOUSE_CONFIG=examples/resource-server/gatehouse.json npm start':
      { env: () => ({ PORT: String(api) }), until: /The API listens/ },
    'examples/resource-server/README.md: ./bin/gatehouse client create --name "Order robot" --grant client_credentials --scope orders:read':
      {
        fill: () => ({ 'localhost:3002': `localhost:${api}` }),
        prints: /HTTP\/1\.1 200[\s\S]*"orders"/,
      },
    'examples/resource-server/README.md: ./bin/gatehouse keys rotate --now': {
      // The keys that an earlier block made wait no longer.
      before: () => gatehouse.advance('1h'),
      prints: /waiting/,
      after: () => advanceClock(gatehouse.url, undefined),
    },
    "examples/service-account/README.md: ./bin/gatehouse service-account create --name 'Nightly export' --key-file export.json":
      { prints: /export\.json/ },
    'examples/service-account/README.md: npx node examples/service-account/get-token.ts export.json':
      { prints: /access_token[\s\S]*access_token/ },
    "examples/web-session/README.md: ./bin/gatehouse client create --name 'Web session' --redirect-uri http://localhost:8080/callback":
      { env: () => ({ PORT: String(app) }), until: /http:/ },
  };

  /** In each document, in this order: a longer text before those that it holds. */
  const placeholders = (): Readonly<Record<string, string>> => ({
    'https://id.example.com': gatehouse.url,
    'http://localhost:3000': gatehouse.url,
    'CLIENT_ID:CLIENT_SECRET': `${known.client}:${known.secret}`,
    'client_id=CLIENT_ID': `client_id=${known.client}`,
    'CLIENT_ID=app_…': `CLIENT_ID=${known.client}`,
    'CLIENT_ID=…': `CLIENT_ID=${known.client}`,
    'CLIENT_SECRET=…': `CLIENT_SECRET=${known.secret}`,
    'OLD-KID': known.kid ?? '',
    YJ3M83ZGE0: known.trace ?? '',
    'sa_…': known.machine ?? '',
    'eyJhbGciOi…': known.assertion ?? '',
    ' WHO ': ' alex@example.com ',
    // Where the calls of a test come from.
    '192.0.2.0/24': '127.0.0.0/8',
    ':8080': `:${app}`,
  });
  const filled = (text: string, more: Readonly<Record<string, string>>) =>
    Object.entries({ ...more, ...placeholders() }).reduce(
      (sum, [placeholder, value]) => sum.replaceAll(placeholder, value),
      text,
    );
  const learn = (printed: string) => {
    known.client =
      /^client_id +(\S+)|"client_id": "([^"]+)"/m.exec(printed)?.slice(1).find(Boolean) ??
      known.client ??
      '';
    known.secret =
      /^client_secret +(\S+)|"client_secret": "([^"]+)"/m.exec(printed)?.slice(1).find(Boolean) ??
      known.secret ??
      '';
  };

  it('are each run, or left out for a reason', () => {
    const named = [...Object.keys(NOT_RUN), ...SETTINGS, ...Object.keys(TYPED)].sort();
    expect(named).to.deep.equal([...new Set(typed.map(nameOf))].sort());
    for (const [name, part] of LEFT_OUT) {
      const block = typed.find((each) => nameOf(each) === name);
      expect(block?.text, name).to.include(part);
    }
  });

  it('stand in blocks that say so', () => {
    const plain = all.filter(({ language }) => language === '');
    const command = /^(npm|npx|node|\.\/bin|gatehouse|curl|docker|openssl|pip) /m;
    const wrong = plain.filter(({ text }) => command.test(text) && !/^Gatehouse /.test(text));
    expect(wrong.map(nameOf)).to.deep.equal([]);
  });

  it('name scripts and files that there are', () => {
    const { scripts } = JSON.parse(readFileSync(join(PROJECT_ROOT, 'package.json'), 'utf8'));
    for (const { file, text } of typed) {
      for (const [, script = ''] of text.matchAll(/npm (?:run )?(start|test|(?<=run )[\w-]+)/g)) {
        expect(Object.keys(scripts), file).to.include(script);
      }
      for (const [path] of text.matchAll(
        /bin\/gatehouse\b|\b(?:examples|src|test)\/[\w./-]*\.\w+/g,
      )) {
        expect(existsSync(join(PROJECT_ROOT, path)), `${file}: ${path}`).to.equal(true);
      }
    }
  });

  for (const block of typed) {
    const { file, line } = block;
    const name = nameOf(block);
    if (SETTINGS.has(name)) it(`${file}:${line} sets what can be set`, () => assertSettings(block));
    const how = TYPED[name];
    if (how) it(`${file}:${line} works as it stands`, () => type(block, how));
  }

  async function type(block: Block, { fill, until, ...how }: Typed): Promise<void> {
    await how.before?.();
    const shell = openShell(folder, { ...env, ...how.env?.() });
    shells.push(shell);
    const out = LEFT_OUT.filter(([name]) => name === nameOf(block)).map(([, part]) => part);
    const here = commandsIn(block.text).filter((each) => !out.some((part) => each.includes(part)));
    let printed = '';
    for (const [at, command] of here.entries()) {
      const text = filled(command, fill?.() ?? {});
      const goesOn = until && at === here.length - 1;
      const said = await (goesOn ? shell.until(text, until) : shell.run(text));
      learn(said);
      printed += `${said}\n`;
    }
    if (how.prints) expect(printed).to.match(how.prints);
    if (!until) await shell.stop();
    await how.after?.();
  }

  function assertSettings({ text }: Block): void {
    const secret = join(folder, 'secret');
    writeFileSync(secret, randomId() + randomId());
    const lines = text.replace('/etc/gatehouse/secret', secret).split('\n');
    const set = lines.map((each) => /^(\w+)=(\S+)$/.exec(each)?.slice(1));
    expect(set).not.to.include(undefined);
    const config = loadConfig(Object.fromEntries(set as [string, string][]));
    for (const [, value = ''] of set as [string, string][]) {
      if (value !== secret) expect(JSON.stringify(config)).to.include(value);
    }
  }

  async function leaveTrace(): Promise<void> {
    const { client, secret } = await gatehouse.core.clients.create({
      client_name: 'Trace',
      first_party: true,
      grant_types: ['refresh_token'],
      redirect_uris: [],
      response_types: [],
    });
    const response = await fetch(`${gatehouse.url}/v1/auth/login`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${client.id}:${secret}`).toString('base64')}`,
      },
      body: JSON.stringify({ email: 'nobody@example.com', password: 'wrong' }),
    });
    known.trace = ((await response.json()) as { trace: string }).trace;
  }

  function writeApplication(): void {
    const [code] = blocksOf('docs/getting-started.md').filter(({ language }) => language === 'js');
    writeFileSync(
      join(folder, 'app.mjs'),
      filled(code?.text ?? '', { 'listen(8080': `listen(${app}` }),
    );
  }

  async function assertApplication(): Promise<void> {
    const response = await fetch(`http://localhost:${app}/login`, { redirect: 'manual' });
    const asked = String(response.headers.get('location'));
    expect(asked).to.include(`${gatehouse.url}/authorize?`);
    const page = await fetch(asked);
    expect(page.url).to.include('/sign-in/');
    await shells.at(-1)?.stop();
  }

  async function registerDevice(): Promise<void> {
    const grant = ['--public', '--grant', 'device_code', 'refresh_token'];
    const shell = openShell(folder, env);
    learn(await shell.run(`gatehouse client create --name Device ${grant.join(' ')}`));
    await shell.stop();
  }

  function writePublicKey(): void {
    const { publicKey } = generateKeyPairSync('ed25519');
    writeFileSync(join(folder, 'public.json'), JSON.stringify(publicKey.export({ format: 'jwk' })));
  }

  const keyFile = () => JSON.parse(readFileSync(join(folder, 'deployments.json'), 'utf8'));

  function readKeyFile(): void {
    const { id, kid } = keyFile();
    Object.assign(known, { machine: id, kid });
  }

  async function signAssertion(): Promise<void> {
    const { id, kid, alg, private_key: key } = keyFile();
    known.assertion = await new SignJWT({ iss: id, sub: id, aud: gatehouse.url, jti: randomId() })
      .setProtectedHeader({ alg, kid })
      .setIssuedAt(nowSeconds())
      .setExpirationTime(nowSeconds() + 60)
      .sign(await importPKCS8(key, alg));
  }
});

/** What stands in the project's folder, and the programs that people have. */
function layOut(folder: string): void {
  for (const each of ['examples', 'node_modules']) {
    symlinkSync(join(PROJECT_ROOT, each), join(folder, each));
  }
  mkdirSync(join(folder, 'bin'));
  const standIn = join(import.meta.dirname, 'stand-in.ts');
  write(folder, 'gatehouse', `exec '${process.execPath}' '${standIn}' "$@"`);
  // What npx is asked for is here: it need not look.
  write(folder, 'npx', 'exec "$@"');
}

function write(folder: string, name: string, line: string): void {
  const file = join(folder, 'bin', name);
  writeFileSync(file, `#!/bin/sh\n${line}\n`);
  chmodSync(file, 0o755);
}

interface Command {
  readonly args: readonly string[];
  readonly stdin: string;
  readonly cwd: string;
}

async function serveCommands(
  run: (args: readonly string[], stdin: Buffer) => Promise<unknown>,
): Promise<Server> {
  const server = createServer(async (request, response) => {
    const { args, stdin, cwd } = (await json(request)) as Command;
    const before = process.cwd();
    process.chdir(cwd);
    const result = await run(args, Buffer.from(stdin, 'base64')).finally(() =>
      process.chdir(before),
    );
    response.end(JSON.stringify(result));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
