// Puts the configuration together from files and environment, and reports all mistakes at once.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../lib/root.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import { withCurrentNames } from './renamed.ts';
import { type Config, schema } from './schema.ts';
import { isTree, merge, setAt, type Tree } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Carries every mistake; `message` lists them, one a line. */
export class ConfigError extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`The configuration has ${count(mistakes.length)}:\n${mistakes.map(bullet).join('\n')}`);
    this.name = 'ConfigError';
    this.mistakes = mistakes;
  }
}

const count = (n: number) => (n === 1 ? 'a mistake' : `${n} mistakes`);
const bullet = (line: string) => `  - ${line}`;

/** Environment variable → where it goes and how its text is read. */
const VARIABLES: Record<string, readonly [path: string, read: (text: string) => unknown]> = {
  HOST: ['host', String],
  PORT: ['port', number],
  ISSUER: ['issuer', String],
  DATA_DIR: ['data_dir', String],
  DATABASE_URL: ['database_url', String],
  GATEHOUSE_SECRET: ['secret', String],
  WORKERS: ['workers', number],
  TRUSTED_PROXIES: ['trusted_proxies', list],
  LOG_LEVEL: ['log_level', String],
  TEST_CLOCK: ['test_clock', flag],
  DEMO_PORT: ['demo.port', number],
  SMTP_URL: ['mail.smtp_url', String],
  SMS_WEBHOOK_SECRET: ['sms.webhook_secret', String],
};

/** What need not stand in the environment itself: `NAME_FILE` names a file that holds it. */
const SECRETS = ['GATEHOUSE_SECRET', 'DATABASE_URL', 'SMTP_URL', 'SMS_WEBHOOK_SECRET'];

/** Throws {@link ConfigError} with all mistakes. */
export function loadConfig(env: Environment = process.env): Config {
  const mistakes: string[] = [];
  const name = env.NODE_ENV || 'development';
  const tree: Tree = {};
  for (const file of filesFor(name, env)) {
    const read = readJson(file, mistakes);
    mistakes.push(...withCurrentNames(read, file));
    merge(tree, read);
  }
  merge(tree, fromEnvironment(env, mistakes));
  if (tree.env !== undefined) mistakes.push('env: NODE_ENV alone says it, no file');
  tree.env = name;
  if (name !== 'production') tree.issuer ??= localIssuer(tree.port);
  const parsed = schema.safeParse(tree);
  const shape = parsed.success ? [] : parsed.error.issues.map(describe);
  mistakes.push(...shape, ...contradictions(tree));
  if (mistakes.length > 0 || !parsed.success) throw new ConfigError(mistakes);
  return parsed.data;
}

/** A port that is none is reported by itself, not as an issuer too. */
function localIssuer(port: unknown): string {
  return URL.parse(`http://localhost:${port}`)?.origin ?? 'http://localhost';
}

function filesFor(name: string, env: Environment): string[] {
  const known = ['development', 'test', 'production'].includes(name) ? [`${name}.json`] : [];
  const files = ['default.json', ...known].map((file) => join(PROJECT_ROOT, 'config', file));
  return env.GATEHOUSE_CONFIG ? [...files, env.GATEHOUSE_CONFIG] : files;
}

function readJson(file: string, mistakes: string[]): Tree {
  try {
    const value: unknown = JSON.parse(decodeUtf8(readFileSync(file)));
    if (isTree(value)) return value;
    mistakes.push(`${file}: must hold one JSON object`);
  } catch (error) {
    mistakes.push(`${file}: ${withoutQuote(error as Error)}`);
  }
  return {};
}

/** Where JSON is broken, its parser quotes the text around: that may be a secret. */
function withoutQuote({ name, message }: Error): string {
  if (name !== 'SyntaxError') return message;
  return `${message.replace(/,? (\.\.\.)?".*/s, '')}: it is not valid JSON`;
}

function fromEnvironment(env: Environment, mistakes: string[]): Tree {
  const tree: Tree = {};
  for (const [variable, [path, read]] of Object.entries(VARIABLES)) {
    const text = env[variable];
    if (text !== undefined && text !== '') setAt(tree, path, read(text));
  }
  for (const variable of SECRETS) readSecretFile(variable, env, tree, mistakes);
  return tree;
}

function readSecretFile(variable: string, env: Environment, tree: Tree, mistakes: string[]): void {
  const name = `${variable}_FILE`;
  const file = env[name];
  if (!file) return;
  if (env[variable]) {
    mistakes.push(`${variable} and ${name} are both set: set one of them`);
    return;
  }
  const [path] = VARIABLES[variable] as readonly [string, unknown];
  try {
    setAt(tree, path, readFileSync(file, 'utf8').trim());
  } catch (error) {
    mistakes.push(`${name}: ${(error as Error).message}`);
  }
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** What each value alone does not show. */
function contradictions(tree: Tree): string[] {
  const found: string[] = [];
  const issuer = URL.parse(String(tree.issuer));
  const production = tree.env === 'production';
  if (production && !tree.secret) {
    found.push('GATEHOUSE_SECRET (or GATEHOUSE_SECRET_FILE): production needs a master key');
  }
  if (production && tree.test_clock === true) {
    found.push('TEST_CLOCK: the test clock is never used in production');
  }
  if (production && issuer && issuer.protocol !== 'https:') {
    found.push(`ISSUER: production needs an https address, not ${issuer.origin}`);
  }
  found.push(...smsContradictions(tree.sms, production));
  if (tree.env !== 'test') found.push(...cheapHashes(tree.hashing));
  if (!production && tree.test_clock === true && issuer && !LOOPBACK.test(issuer.hostname)) {
    found.push('TEST_CLOCK: the test clock is used with a loopback issuer only');
  }
  return found;
}

/** Of argon2id: what a stolen hash must cost whoever guesses at it. */
const LEAST = { memory: 19_456, passes: 2 };

function cheapHashes(hashing: unknown): string[] {
  const given = isTree(hashing) ? hashing : {};
  return Object.entries(LEAST)
    .filter(([name, least]) => typeof given[name] === 'number' && given[name] < least)
    .map(([name, least]) => `hashing.${name}: ${least} is the least outside of tests`);
}

/** Codes are worth a signature, and in production a line that nobody reads along. */
function smsContradictions(sms: unknown, production: boolean): string[] {
  const { webhook_url: url, webhook_secret: secret } = isTree(sms) ? sms : {};
  if (url === undefined) return [];
  const plain = production && URL.parse(String(url))?.protocol === 'http:';
  return [
    ...(secret
      ? []
      : ['SMS_WEBHOOK_SECRET (or SMS_WEBHOOK_SECRET_FILE): sms.webhook_url needs it']),
    ...(plain ? ['sms.webhook_url: production needs an https address'] : []),
  ];
}

const VARIABLE_OF = new Map([
  ...Object.entries(VARIABLES).map(([variable, [path]]) => [path, variable] as const),
  ['env', 'NODE_ENV'],
]);

function describe(issue: { path: PropertyKey[]; message: string; code?: string }): string {
  const path = issue.path.map(String).join('.');
  const whole = String(issue.path[0] ?? '');
  const variable = VARIABLE_OF.get(path) ?? VARIABLE_OF.get(whole);
  const name = variable ? `${variable} (${path})` : path || 'configuration';
  return `${name}: ${issue.message}`;
}

// Text that is no number stays text, so that the schema names it.
function number(text: string): unknown {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function flag(text: string): unknown {
  return { '1': true, true: true, '0': false, false: false }[text] ?? text;
}

function list(text: string): unknown {
  return text.split(',').map((item) => item.trim());
}
