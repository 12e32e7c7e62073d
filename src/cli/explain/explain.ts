// gatehouse explain: why a sign-in went as it went, and how an account stands.
import { Command } from 'commander';
import type { Core } from '../../app.ts';
import { toIso } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { parseTraceCode } from '../../lib/ids.ts';
import type { Account } from '../../store/accounts.ts';
import { describe } from '../account-output.ts';
import { auditJson } from '../audit.ts';
import { withCore } from '../core.ts';
import { oneLine, print, printJson } from '../output.ts';
import { type Explanation, limitJson, NEWEST } from './explanation.ts';
import { explainServiceAccount } from './service-account.ts';
import { describeEvent, describeState } from './words.ts';

export function explainCommand(): Command {
  return new Command('explain')
    .argument(
      '<account-or-trace>',
      'email or ID of an account, ID of a service account, or a trace code',
    )
    .description('explain the state of an account, or what happened in a sign-in')
    .option('--json', 'print JSON')
    .action((what: string, { json }: { json?: boolean }) =>
      withCore(async (core) => {
        const trace = parseTraceCode(what);
        const found = await (trace ? explainTrace(core, trace) : explainWho(core, what));
        if (json) showJson(found);
        else show(found);
      }),
    );
}

/** Mistakes of anonymous requests, and refusals that repeat, leave no row of their own. */
const ELSEWHERE =
  'Look in the server log: each refused request has a line with its trace code and the reason.';

async function explainTrace(core: Core, trace: string): Promise<Explanation> {
  const traced = await core.audit.findByTrace(trace);
  if (!traced) {
    const message = `Nothing was recorded under the trace code ${trace}. ${ELSEWHERE}`;
    throw new GatehouseError('unknown_trace', { message });
  }
  const { flowId, events } = traced;
  const account = events.findLast((row) => row.accountId !== undefined)?.accountId;
  const client = events.findLast((row) => row.clientId !== undefined)?.clientId;
  const name = account && (await nameOf(core, account));
  const who = name ? `${name} (${account})` : (account ?? 'an unknown person');
  const what = flowId === undefined ? 'A request' : 'A sign-in';
  return {
    facts: { trace, sign_in: flowId ?? null, account: account ?? null, client: client ?? null },
    lines: [oneLine(`${what} of ${who}${client && client !== account ? ` at ${client}` : ''}.`)],
    events,
  };
}

/** A service account is its own client. */
async function nameOf(core: Core, id: string): Promise<string | undefined> {
  const person = await core.accounts.find(id);
  return person?.email ?? (await core.serviceAccounts.find(id))?.name;
}

async function explainWho(core: Core, who: string): Promise<Explanation> {
  const serviceAccount = await core.serviceAccounts.find(who);
  return serviceAccount ? explainServiceAccount(core, serviceAccount) : explainAccount(core, who);
}

async function explainAccount(core: Core, who: string): Promise<Explanation> {
  const gone = await findGone(core, who);
  if (gone) return gone;
  const account = await core.accounts.get(who);
  const closed = await core.limits.findClosed(account);
  const states = await factorsOf(core, account);
  const says = describeState({ account, states, closed });
  const locked = {
    locked_until: account.lockedUntil === undefined ? null : toIso(account.lockedUntil),
  };
  const events = await core.audit.newest({ accountId: account.id }, NEWEST);
  return {
    facts: {
      account: { ...(await describe(core, account)), ...locked },
      limits: closed.map(limitJson),
      says,
    },
    lines: [oneLine(`${account.email} (${account.id})`), ...says.map((each) => `  ${each}`)],
    events: events.reverse(),
  };
}

/** What was recorded outlives the account. */
async function findGone({ accounts, audit }: Core, id: string): Promise<Explanation | undefined> {
  if (id.includes('@') || (await accounts.find(id))) return undefined;
  const events = await audit.newest({ accountId: id }, NEWEST);
  if (events.length === 0) return undefined;
  const says = ['This account was deleted.'];
  const facts = { account: null, limits: [], says };
  return { facts, lines: [oneLine(id), `  ${says[0]}`], events: events.reverse() };
}

/** Names of the second factors that somebody has. */
async function factorsOf({ factors }: Core, { id }: Account): Promise<string[]> {
  const states = factors.filter((factor) => factor.step === 'second-factor');
  const enrolled = await Promise.all(states.map((factor) => factor.isEnrolled(id)));
  return states.filter((_, index) => enrolled[index]).map((factor) => factor.name);
}

function showJson({ facts, events }: Explanation): void {
  const rows = events.map((row) => ({ ...auditJson(row), says: describeEvent(row) }));
  printJson({ ...facts, events: rows });
}

function show({ lines, events }: Explanation): void {
  for (const line of lines) print(line);
  for (const row of events) {
    print(oneLine(`${toIso(row.time)}  ${row.trace ?? '–'.padEnd(10)}  ${describeEvent(row)}`));
  }
}
