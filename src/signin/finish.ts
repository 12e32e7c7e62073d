// The one place where proofs become a signed-in person.
import { mayComeFrom } from '../domain/accounts/allowed-addresses.ts';
import type { NewBrowsers } from '../domain/accounts/new-browsers.ts';
import type { Owner, Trusted, TrustedDevices } from '../domain/accounts/trusted-devices.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Requester } from '../domain/limits/requester.ts';
import { type Acr, assuranceOf, isAtLeast, isProved } from '../domain/sessions/assurance.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Account } from '../store/accounts.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { SignInAudit } from './audit-events.ts';
import type { Flow, Flows } from './flow.ts';
import { type PasswordWriteNeeds, passwordWrites } from './password-writes.ts';
import { ADDRESS_NOT_ALLOWED, NO_ACCESS, NOT_ALLOWED, type NotAllowed } from './prove.ts';
import { dueStep } from './steps/index.ts';
import { isDeviceEnough } from './steps/second-factor/step.ts';

/** What the finished sign-in hands to whoever asked for it. */
export interface SignInResult {
  readonly accountId: string;
  readonly acr: Acr;
  readonly amr: readonly string[];
  /** Seconds. */
  readonly ts: number;
  readonly generation: number;
  /** The password was proved in this sign-in: the session begins anew. */
  readonly renews: boolean;
  /** The row of this sign-in. */
  readonly flow: string;
}

/** The request that waits for this sign-in; its statements join the unit. */
export interface SignInTarget {
  /** Who is signed in in this browser now. */
  readonly session: { readonly uid: string; readonly accountId: string } | undefined;
  readonly requester: Requester;
  signedIn(login: SignInResult, otherPerson: boolean): Unit | Promise<Unit>;
  refused(error: string, description: string): Unit;
  /** Of an application that only some people may use: false for the others. */
  admits?(account: Account): boolean;
}

export type FinishOutcome =
  /**
   * The door may go on: with a person and the cookies by which their browser is known, or with an
   * error for the relying party.
   */
  | { readonly kind: 'finished'; readonly cookies: Cookies | undefined }
  | { readonly kind: 'step-due' }
  /** The account is not used from here. The flow stays open. */
  | NotAllowed
  /** The flow was finished, or the account changed, a moment ago. */
  | { readonly kind: 'void' };

export interface Cookies {
  /** Of known browsers; for an application, its `device_token`. */
  readonly browser: string;
  /** Of trusted devices, by the end of their names: undefined ones are removed. */
  readonly devices: ReadonlyMap<string, string | undefined>;
}

export interface FinishNeeds extends PasswordWriteNeeds {
  readonly store: Store;
  readonly flows: Flows;
  readonly limits: Limits;
  readonly trustedDevices: TrustedDevices;
  readonly newBrowsers: NewBrowsers;
  readonly signInAudit: SignInAudit;
  readonly log: Log;
}

const VOID: FinishOutcome = { kind: 'void' };

export type Finish = (flow: Flow, target: SignInTarget) => Promise<FinishOutcome>;

export function createFinish(needs: FinishNeeds): Finish {
  return async (flow, target) => {
    const { accountId, generation } = flow.row;
    if (dueStep(flow.facts) || accountId === undefined || generation === undefined) {
      return { kind: 'step-due' };
    }
    const login = { accountId, generation, flow: flow.row.id, ...resultOf(flow) };
    if (!isEnough(flow, login.acr)) return refuse(flow, login, target, needs);
    return signIn(flow, login, target, needs);
  };
}

function resultOf({ row, facts }: Flow) {
  const isRemembered = facts.enrolled.length > 0 && isDeviceEnough(facts);
  const { acr, amr, authTime } = assuranceOf(facts.proofs, isRemembered);
  const renews = isProved(
    facts.proofs.filter((each) => each.at >= row.createdAt),
    'knowledge',
  );
  return { acr, amr, ts: Math.floor(authTime / 1000), renews };
}

function isEnough({ facts: { wanted } }: Flow, acr: string): boolean {
  if (wanted.kind === 'anything') return true;
  return wanted.kind === 'at-least' && isAtLeast(acr, wanted.acr);
}

async function refuse(
  flow: Flow,
  login: SignInResult,
  target: SignInTarget,
  { store, flows, signInAudit }: FinishNeeds,
): Promise<FinishOutcome> {
  const error = 'unmet_authentication_requirements';
  const refusal = target.refused(error, 'the requested acr cannot be reached');
  const recorded = signInAudit.notEnough(flow, login);
  const isDone = await store.tryCommit([flows.end(flow), ...refusal, recorded]);
  return isDone ? { kind: 'finished', cookies: undefined } : VOID;
}

async function signIn(
  flow: Flow,
  login: SignInResult,
  target: SignInTarget,
  needs: FinishNeeds,
): Promise<FinishOutcome> {
  const { accountTable, flows, limits, newBrowsers, signInAudit, log } = needs;
  const { accountId } = login;
  const account = await accountTable.find(accountId);
  if (!account) return VOID;
  if (!mayComeFrom(account, target.requester.address)) return rejectNetwork(flow, signInAudit);
  if (target.admits?.(account) === false) return refuseRole(flow, signInAudit);
  const hasFactor = login.amr.includes('mfa');
  const remembered = await limits.finished(account, target.requester, hasFactor);
  const other =
    target.session && target.session.accountId !== accountId ? target.session : undefined;
  const session = other ? undefined : target.session?.uid;
  const whose = { ...login, account, session, browser: target.requester.browser };
  const { unit, generation } = await passwordWrites(flow, whose, needs);
  const signedIn = { requester: target.requester, clientId: flow.row.clientId, generation };
  const device = deviceWrites(flow, { id: accountId, generation }, target.requester, needs);
  const ended = [
    ...unit,
    flows.end(flow),
    ...device.unit,
    ...deviceNotice(flow, account, target.requester, needs),
    ...remembered.unit,
    ...(await newBrowsers.noticeOf(account, { ...signedIn, isKnown: remembered.isKnown })),
    ...(await target.signedIn({ ...login, generation }, other !== undefined)),
    ...signInAudit.finished(flow, login),
  ];
  if (!(await isWritten(ended, other, needs))) return VOID;
  log.info({ account: accountId, acr: login.acr, amr: login.amr }, 'signed in');
  const { browser } = remembered;
  return { kind: 'finished', cookies: { browser, devices: device.cookies } };
}

/** With the end of somebody else's session, unless another tab was faster, and has told of it. */
async function isWritten(
  unit: Unit,
  other: SignInTarget['session'],
  { store, sessions }: FinishNeeds,
): Promise<boolean> {
  const isDone = async (all: Unit) => await store.tryCommit(all);
  if (!other) return isDone(unit);
  const theirs = await sessions.endOf(other.accountId, other.uid, 'somebody else signed in');
  return (await isDone([...unit, ...theirs])) || isDone(unit);
}

/** The network has changed since the password was proved. */
async function rejectNetwork(flow: Flow, signInAudit: SignInAudit): Promise<FinishOutcome> {
  await signInAudit.turnedAway(flow, ADDRESS_NOT_ALLOWED);
  return NOT_ALLOWED;
}

/** The flow stays open: the role may come a moment later. */
async function refuseRole(flow: Flow, signInAudit: SignInAudit): Promise<FinishOutcome> {
  await signInAudit.turnedAway(flow, 'required role missing');
  return NO_ACCESS;
}

/** A device that is to be remembered is trusted by the account as this sign-in leaves it. */
function deviceWrites(
  { facts }: Flow,
  owner: Owner,
  requester: Requester,
  { trustedDevices }: FinishNeeds,
): Trusted {
  const { trust, device } = facts;
  if (trust) return trustedDevices.trust(owner, requester);
  // Where the second factor itself was proved, it does not matter what has become of the device.
  const isUsed = device.kind === 'trusted' && isDeviceEnough(facts);
  const unit = isUsed ? [trustedDevices.touch(device.id)] : [];
  const stale = device.kind === 'ignored' ? [trustedDevices.cookieOf(owner.id)] : [];
  return { unit, cookies: new Map(stale.map((name) => [name, undefined])) };
}

/** Nobody has a device remembered without its owner hearing of it. */
function deviceNotice(
  { facts }: Flow,
  account: Account,
  { userAgent, address }: Requester,
  { notices }: FinishNeeds,
): Unit {
  const notice = { kind: 'new-device', userAgent, address, at: now() } as const;
  return facts.trust ? [notices.noticeFor(account, notice)] : [];
}
