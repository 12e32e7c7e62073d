// gatehouse doctor: looks at everything a start needs, and says what is wrong and how to mend it.
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { whyOtherIssuer } from '../domain/nodes/served-issuer.ts';
import { toIso } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Look } from '../look.ts';
import { lookInside } from './core.ts';
import { checkRegistrations, checkRisks } from './doctor-clients.ts';
import { checkClocks } from './doctor-clocks.ts';
import { checkPort } from './doctor-port.ts';
import {
  checkCalls,
  checkConfiguration,
  checkMail,
  checkProxies,
  type Says,
} from './doctor-surroundings.ts';
import { oneLine, print, printJson, sentenceFor } from './output.ts';

interface Finding {
  readonly check: string;
  readonly ok: boolean;
  /** It works, and is probably not what was meant. */
  readonly warning?: true;
  readonly says: string;
}

type Check = (config: Config) => Promise<Says>;

const CHECKS: ReadonlyArray<readonly [name: string, check: Check]> = [
  ['configuration', checkConfiguration],
  ['data folder', checkFolder],
  ['database', checkDatabase],
  ['signing keys', checkKeys],
  ['clocks', () => inside(checkClocks)],
  ['issuer', checkIssuer],
  ['port', checkPort],
  ['proxies', checkProxies],
  ['mail', checkMail],
  ['calls', checkCalls],
  ['public clients', checkRisks],
  ['registrations', checkRegistrations],
  ['service accounts', checkServiceAccounts],
  ['password hashes', checkHashes],
  ['email addresses', checkAddresses],
];

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'check configuration, folder, database, keys, clocks, address, port, proxies, mail and registrations',
    )
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const config = loadConfig();
      const findings: Finding[] = [];
      for (const [name, check] of CHECKS) {
        const found = await find(name, check, config);
        findings.push(isSaid(found, findings) ? { ...found, says: SAME } : found);
      }
      if (json) printJson(findings);
      else
        for (const finding of findings)
          print(`${rankOf(finding)}  ${finding.check}: ${finding.says}`);
      const failed = findings.filter((finding) => !finding.ok).length;
      if (failed > 0) {
        throw new GatehouseError('invalid_input', { message: `${failed} of the checks failed.` });
      }
    });
}

function rankOf({ ok, warning }: Finding): string {
  if (!ok) return 'FAIL';
  return warning ? 'warn' : 'ok  ';
}

const SAME = 'not checked, for the reason above';

function isSaid({ ok, says }: Finding, before: readonly Finding[]): boolean {
  return !ok && before.some((other) => !other.ok && other.says === says);
}

async function find(name: string, check: Check, config: Config): Promise<Finding> {
  try {
    const says = await check(config);
    if (typeof says === 'string') return { check: name, ok: true, says };
    return { check: name, ok: true, warning: true, says: oneLine(says.warning) };
  } catch (error) {
    return { check: name, ok: false, says: sentenceFor(error) };
  }
}

const MEGABYTE = 1024 * 1024;
/** What requests of strangers alone may add in an hour. */
const FEW_MEGABYTES = 100;

async function checkFolder({ data_dir: folder }: Config): Promise<Says> {
  const found = nearest(folder);
  if (!statSync(found).isDirectory()) throw new Error(`DATA_DIR is no folder (${found}).`);
  accessSync(found, constants.W_OK | constants.R_OK | constants.X_OK);
  const { bavail, bsize } = statfsSync(found);
  const free = Math.floor((bavail * bsize) / MEGABYTE);
  if (free < FEW_MEGABYTES) return { warning: `${folder}: only ${free} MB of its disk are free` };
  if (found === folder) return `${folder} can be written`;
  return `${folder} is not there yet; the first start makes it`;
}

function nearest(folder: string): string {
  const parent = dirname(folder);
  return existsSync(folder) || parent === folder ? folder : nearest(parent);
}

const NOT_YET = 'not there yet; the first start creates it';

async function inside(work: (look: Look) => Promise<string>): Promise<string> {
  return (await lookInside(work)) ?? NOT_YET;
}

async function checkDatabase(config: Config): Promise<string> {
  const { isMade, pendingMigrations } = await import('../store/migrate.ts');
  const { addressOf } = await import('../store/open.ts');
  const address = addressOf(config);
  const pending = await pendingMigrations(address);
  if (!(await isMade(address))) return NOT_YET;
  const kind = address.dialect === 'pg' ? 'PostgreSQL' : 'SQLite';
  return pending.length === 0 ? `${kind}, up to date` : `${kind}, lacks ${pending.join(', ')}`;
}

function checkKeys(): Promise<string> {
  return inside(async ({ keys }) => {
    const { published } = await keys.load();
    if (published.length === 0) return NOT_YET;
    const algorithms = new Set(published.map((key) => key.alg));
    return `${[...algorithms].join(', ')}, opened with the master key`;
  });
}

function checkIssuer({ issuer }: Config): Promise<string> {
  return inside(async ({ settingTable }) => {
    const why = await whyOtherIssuer(settingTable, issuer);
    if (why !== undefined) throw new Error(why);
    return issuer;
  });
}

const SOON = 14 * 86_400_000;

function checkServiceAccounts(): Promise<string> {
  return inside(async ({ serviceAccounts }) => {
    const keys = await serviceAccounts.keysExpiringWithin(SOON);
    if (keys.length === 0) return 'no key expires within 14 days';
    const named = keys.map((key) => `${key.kid} of ${key.accountId} on ${dayOf(key.expiresAt)}`);
    return `${keys.length} of their keys expire soon: add others in time (${named.join(', ')})`;
  });
}

const dayOf = (at = 0) => toIso(at).slice(0, 10);

/** Two spellings of one mailbox were two accounts once. */
function checkAddresses(): Promise<string> {
  return inside(async ({ accounts }) => {
    const duplicates = await accounts.duplicates();
    if (duplicates.length === 0) return 'each belongs to one account';
    const named = duplicates.map(({ id, email }) => `${id} (${email})`).join(', ');
    throw new Error(
      `accounts that nobody can sign in to, because an older one has the same mailbox: ${named}. Delete the one of the two that is not used: \`gatehouse account delete ID\``,
    );
  });
}

function checkHashes(): Promise<string> {
  return inside(async ({ accounts, config }) => {
    const { measureHashes } = await import('../domain/passwords/costs.ts');
    const hashes = async function* () {
      for await (const { passwordHash } of accounts.list()) yield passwordHash;
    };
    const floor = config.password.refusal_min_ms;
    const slow = (await measureHashes(hashes())).filter(({ takes }) => takes > floor);
    if (slow.length === 0) return `none takes longer than password.refusal_min_ms (${floor} ms)`;
    const kinds = slow.map(({ kind, takes }) => `${kind} (up to ${takes} ms)`).join(', ');
    return `refusals of some take longer than password.refusal_min_ms (${floor} ms), which shows who has one: ${kinds}. Raise it above that until their owners have signed in`;
  });
}
