// When an existing session isn't enough: our Checks in oidc-provider's login prompt.
import { decodeJwt } from 'jose';
import { errors, interactionPolicy } from 'oidc-provider';
import type { Consents } from '../domain/consents/consents.ts';
import { ACR, isAtLeast } from '../domain/sessions/assurance.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { lacksResource } from './resource-indicators.ts';
import { accountIn, type Ctx, clientIn, type SessionModel, sessionIn } from './types.ts';
import { wantedBy } from './wanted-acr.ts';

const { Check, Prompt, base } = interactionPolicy;

type Judge = (ctx: Ctx, session: SessionModel) => boolean;

/**
 * Account selection, then oidc-provider's two prompts: `login`, with our Checks before its own, and
 * `consent`.
 */
export function createPolicy(
  sessions: Pick<Sessions, 'isIdle'>,
  consents: Pick<Consents, 'find'>,
): interactionPolicy.DefaultPolicy {
  const policy = base();
  const login = policy.get('login');
  if (!login) throw new Error('the login prompt of oidc-provider is gone');
  const own = [
    check('account_unavailable', isAccountUnavailable),
    check('session_idle', (_, session) => sessions.isIdle(session.seenAt ?? 0)),
    check('credentials_changed', haveCredentialsChanged),
    check('password_migration_due', isPasswordDue),
    check('enrolment_due', isEnrolmentDue),
    check('address_not_allowed', isAddressRefused),
    check('assurance_too_low', isAssuranceTooLow),
    check('somebody_else_was_meant', isSomebodyElse),
  ];
  for (const [index, each] of own.entries()) login.checks.add(each, index);
  // `assurance_too_low` covers these, and accepts a stronger value for a weaker one.
  for (const reason of ['essential_acr', 'essential_acrs']) login.checks.remove(reason);
  for (const each of login.checks) neverTwice(each);
  policy.add(accountSelection(), 0);
  policy.add(access(), policy.indexOf(consentPrompt(policy)));
  consentPrompt(policy).checks.add(resourcesMissing(consents));
  return policy;
}

/** Stops people who may not use the application before they are asked for consent. */
function access() {
  const lacksRole = new Check(
    'role_missing',
    'the person lacks the required role',
    'access_denied',
    (ctx) => accountIn(ctx)?.hasRole(clientIn(ctx).require_role) === false,
  );
  return new Prompt({ name: 'access' }, lacksRole);
}

/** Asks which account to use if the request says so, or if its hint names another person. */
function accountSelection() {
  const hinted = new Check(
    'another_account_hinted',
    'login_hint names another account',
    (ctx) => namesAnother(ctx) && !isSelected(ctx),
  );
  return new Prompt({ name: 'select_account', requestable: true }, hinted);
}

function namesAnother(ctx: Ctx): boolean {
  const hint = ctx.oidc.params?.login_hint;
  return typeof hint === 'string' && accountIn(ctx)?.isNamed(hint) === false;
}

function isSelected({ oidc }: Ctx): boolean {
  const result = oidc.result ?? {};
  return 'login' in result || 'select_account' in result;
}

function consentPrompt(policy: interactionPolicy.DefaultPolicy): interactionPolicy.Prompt {
  const consent = policy.get('consent');
  if (!consent) throw new Error('the consent prompt of oidc-provider is gone');
  return consent;
}

/** Asks for consent to a resource even without scopes: oidc-provider only looks at scopes. */
function resourcesMissing(consents: Pick<Consents, 'find'>) {
  const description = 'requested resources not granted';
  return new Check('resources_missing', description, 'consent_required', (ctx) =>
    lacksResource(ctx, consents),
  );
}

// Checks run in parallel, so each only reads the session and changes nothing.
function check(reason: string, judge: Judge): InstanceType<typeof Check> {
  const description = `${reason.replaceAll('_', ' ')}: sign in again`;
  return new Check(reason, description, 'login_required', (ctx) => {
    const session = sessionIn(ctx);
    return session.accountId !== undefined && judge(ctx, session);
  });
}

const isAccountUnavailable: Judge = (ctx) => ctx.oidc.account === undefined;

const haveCredentialsChanged: Judge = (ctx, session) => {
  const account = accountIn(ctx);
  return account !== undefined && account.generation !== session.generation;
};

const isPasswordDue: Judge = (ctx) => accountIn(ctx)?.passwordDue === true;

const isEnrolmentDue: Judge = (ctx) => accountIn(ctx)?.enrolmentDue === true;

const isAddressRefused: Judge = (ctx) => accountIn(ctx)?.addressRefused === true;

/**
 * Whether the `id_token_hint` names another person than the one who has just signed in (OpenID
 * Connect Core 1.0, 3.1.2.1). oidc-provider compares it only when the request comes, and has
 * verified it then.
 */
const isSomebodyElse: Judge = (ctx, session) => {
  const hint = ctx.oidc.params?.id_token_hint;
  if (typeof hint !== 'string' || !hasJustSignedIn(ctx)) return false;
  return decodeJwt(hint).sub !== session.accountId;
};

const isAssuranceTooLow: Judge = (ctx, session) => {
  const client = clientIn(ctx);
  const wanted = wantedBy(ctx.oidc.params ?? {}, client);
  if (session.acr === ACR.rememberedDevice && client.trusted_devices === false) return true;
  if (wanted.kind === 'anything') return false;
  if (wanted.kind === 'at-least' && isAtLeast(session.acr, wanted.acr)) return false;
  if (wanted.kind === 'unreachable' || hasJustSignedIn(ctx)) {
    throw new errors.UnmetAuthenticationRequirements('the requested acr cannot be reached');
  }
  return true;
};

/** Turns a Check that fails right after a sign-in into an error, instead of asking again. */
function neverTwice(each: InstanceType<typeof Check>): void {
  const judge = each.check;
  each.check = async (ctx) => {
    const due = await judge(ctx);
    if (due && hasJustSignedIn(ctx)) throw new errors.LoginRequired(each.description);
    return due;
  };
}

function hasJustSignedIn(ctx: Ctx): boolean {
  return Boolean(ctx.oidc.result?.login);
}
