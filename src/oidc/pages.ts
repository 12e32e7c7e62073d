// What the library wants shown to people: our pages in the place of every page of its own.
import type { Context } from 'koa';
import type Provider from 'oidc-provider';
import type { Limited } from '../domain/limits/attempt.ts';
import { GatehouseError, isGatehouseError } from '../lib/errors.ts';
import { textOf } from '../lib/narrow.ts';
import { perRequest } from '../lib/per-request.ts';
import { SIGN_IN_PATH } from '../web/paths.ts';
import { inWords } from './answers-in-words.ts';
import { isClientDisabled } from './client-admission.ts';
import { UserCodesLimited } from './client-attempts.ts';
import { afterSignOut } from './sign-out.ts';
import { turnedAwayOf } from './turned-away.ts';
import {
  type ClientModel,
  type Ctx,
  type InteractionModel,
  isWithLibrary,
  oidcOf,
  sessionIn,
  uidIn,
} from './types.ts';
import type { Answers } from './work.ts';

export interface ClientOnPage {
  readonly name: string;
  readonly uri: string | undefined;
}

export interface OAuthProblem {
  readonly error: string;
  readonly error_description?: string | undefined;
}

/** Implemented where HTML is made. Each sets the body of `ctx`. */
export interface ProviderPages {
  error(ctx: Context, problem: OAuthProblem, cause?: unknown): Promise<void>;
  /** The client that asks is disabled. */
  switchedOff(ctx: Context): Promise<void>;
  /** The authorization request cannot go on: its session or its time is gone. */
  expired(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  /** The browser has begun so many other sign-ins that this one was given up. */
  givenUp(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  /** The sign-in is not this browser's. */
  cookiesNeeded(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  confirmSignOut(ctx: Context, page: ConfirmSignOut): Promise<void>;
  signedOut(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  deviceCode(ctx: Context, page: DeviceCodePage): Promise<void>;
  deviceConfirm(ctx: Context, page: DeviceConfirmPage): Promise<void>;
  deviceDone(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  formPost(ctx: Context, page: FormPostPage): Promise<void>;
}

export interface ConfirmSignOut {
  readonly action: string;
  readonly xsrf: string;
  readonly client: ClientOnPage | undefined;
  readonly accountId: string | undefined;
  /** Where `Stay signed in` leads. */
  readonly stay: string;
}

export interface DeviceCodePage {
  readonly action: string;
  /** Of the session: whose form it is. */
  readonly session: string;
  readonly xsrf: string;
  readonly userCode: string | undefined;
  readonly problem: DeviceProblem | Limited | undefined;
}

export type DeviceProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'aborted';

export interface DeviceConfirmPage {
  readonly action: string;
  readonly session: string;
  readonly userCode: string;
  readonly client: ClientOnPage;
}

export interface FormPostPage {
  readonly action: string;
  readonly fields: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly client: ClientOnPage | undefined;
}

export function clientOnPage(client: ClientModel): ClientOnPage;
export function clientOnPage(client: ClientModel | undefined): ClientOnPage | undefined;
export function clientOnPage(client: ClientModel | undefined): ClientOnPage | undefined {
  return client && { name: client.clientName ?? client.clientId, uri: client.clientUri };
}

/** Where a sign-in at this client can begin anew. */
export function startUrlOf(client: ClientModel | undefined): string | undefined {
  return client?.initiateLoginUri ?? client?.clientUri;
}

const DEVICE_PROBLEMS: Readonly<Record<string, DeviceProblem>> = {
  NoCodeError: 'missing',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'aborted',
};

/** Where whoever stays signed in goes on, if the application has not said. */
const STAY = '/account';

/** A code that stood in the address: shown in the field, sent only by a person. */
const PREFILLED_USER_CODE = perRequest<string>('user code');

/** The `…Source` functions of the library's configuration. */
export function createPageSources(pages: ProviderPages) {
  const renderError = async (ctx: Ctx, out: OAuthProblem, error: Error) => {
    if (await rejectNetwork(ctx, pages)) return;
    if (isGone(ctx, error)) return leadToSignIn(ctx);
    await (isClientDisabled(ctx) ? pages.switchedOff(ctx) : pages.error(ctx, out, error));
  };
  return {
    renderError,
    logoutSource: (ctx: Ctx) =>
      pages.confirmSignOut(ctx, {
        action: ctx.oidc.urlFor('end_session_confirm'),
        xsrf: secretOf(ctx),
        client: clientOnPage(ctx.oidc.client),
        accountId: ctx.oidc.session?.accountId,
        stay: afterSignOut(sessionIn(ctx)) ?? STAY,
      }),
    postLogoutSuccessSource: (ctx: Ctx) => pages.signedOut(ctx, clientOnPage(ctx.oidc.client)),
    userCodeInputSource: async (ctx: Ctx, _form: string, out?: OAuthProblem, error?: Error) => {
      if (await rejectNetwork(ctx, pages)) return;
      if (isClientDisabled(ctx)) return pages.switchedOff(ctx);
      if (out && !isAboutCode(error)) return startDeviceAnew(ctx, pages);
      await pages.deviceCode(ctx, {
        action: ctx.oidc.urlFor('code_verification'),
        session: sessionIn(ctx).uid,
        xsrf: secretOf(ctx),
        userCode: userCodeOf(ctx, error),
        problem: out ? problemOf(error) : undefined,
      });
    },
    userCodeConfirmSource: (
      ctx: Ctx,
      _form: string,
      client: ClientModel,
      _deviceInfo: unknown,
      userCode: string,
    ) =>
      pages.deviceConfirm(ctx, {
        action: ctx.oidc.urlFor('code_verification'),
        session: sessionIn(ctx).uid,
        userCode,
        client: clientOnPage(client),
      }),
    successSource: (ctx: Ctx) => pages.deviceDone(ctx, clientOnPage(ctx.oidc.client)),
  };
}

/** Before it shows a form, the library has put a secret into the session. */
function secretOf(ctx: Ctx): string {
  return String(sessionIn(ctx).state?.secret);
}

/** Nothing is left to resume: it was resumed, or it has expired. Its own address knows which. */
function isGone(ctx: Ctx, error: Error): boolean {
  return isResumed(ctx) && error.name === 'SessionNotFound' && !ctx.oidc.entities.Interaction;
}

function isResumed(ctx: Ctx): boolean {
  return ctx.oidc.route === 'resume' && uidIn(ctx) !== undefined;
}

function leadToSignIn(ctx: Ctx): void {
  ctx.status = 303;
  ctx.redirect(`${SIGN_IN_PATH}/${uidIn(ctx)}`);
}

/** @returns whether this browser was told that it cannot resume this sign-in */
async function rejectNetwork(ctx: Ctx, pages: ProviderPages): Promise<boolean> {
  const turned = turnedAwayOf(ctx);
  if (!turned) return false;
  const client = clientOnPage(await ctx.oidc.provider.Client.find(turned.clientId));
  if (turned.binding === 'other-browser') await pages.cookiesNeeded(ctx, client);
  else await pages[turned.binding === 'given-up' ? 'givenUp' : 'expired'](ctx, client);
  return true;
}

function isAboutCode(error: Error | undefined): boolean {
  return (
    error instanceof UserCodesLimited || (error !== undefined && error.name in DEVICE_PROBLEMS)
  );
}

/** The form was too old, or its session is gone: a fresh one, which can be sent. */
async function startDeviceAnew(ctx: Ctx, pages: ProviderPages): Promise<void> {
  if (ctx.oidc.route === 'device_resume') return pages.expired(ctx, undefined);
  ctx.status = 303;
  ctx.redirect(ctx.oidc.urlFor('code_verification'));
}

function problemOf(error: Error | undefined): DeviceProblem | Limited {
  if (error instanceof UserCodesLimited) return error.limited;
  return DEVICE_PROBLEMS[error?.name ?? ''] ?? 'unknown';
}

function userCodeOf(ctx: Ctx, error: Error | undefined): string | undefined {
  const typed = error && 'userCode' in error ? textOf(error.userCode) : undefined;
  return typed ?? PREFILLED_USER_CODE.get(ctx);
}

/** The response mode form_post with our page. */
export function createFormPost(pages: ProviderPages) {
  return (ctx: Ctx, action: string, payload: Record<string, unknown>): Promise<void> => {
    const fields = Object.entries(inWords(payload)).map(([name, value]) => ({
      name,
      value: String(value),
    }));
    if (ctx.status >= 300 || ctx.status === 404) ctx.status = 'error' in payload ? 400 : 200;
    return pages.formPost(ctx, { action, fields, client: clientOnPage(ctx.oidc.client) });
  };
}

/**
 * The library submits some forms by itself. A device code from the address goes into our form
 * instead; and whoever has signed in meanwhile in another tab is not signed out for a sign-in that
 * comes late.
 */
export function replaceSelfSubmittingPages(provider: () => Provider, pages: ProviderPages) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    const policy = ctx.response.get('Content-Security-Policy');
    if (ctx.method === 'GET' && ctx.path === provider().pathFor('code_verification')) {
      const { user_code: userCode, ...rest } = ctx.query;
      if (Array.isArray(userCode)) {
        throw new GatehouseError('bad_request', { message: 'user_code was sent twice.' });
      }
      if (userCode !== undefined) {
        PREFILLED_USER_CODE.set(ctx, userCode.slice(0, 20));
        ctx.query = rest;
      }
    }
    await next();
    const oidc = oidcOf(ctx);
    const late = oidc && findLate(oidc);
    if (!late) return;
    ctx.set('Content-Security-Policy', policy);
    await endLateSignIn(ctx, late, provider(), pages);
  };
}

/** The answer to a sign-in that ended before somebody else signed in in this browser. */
function findLate({ entities, session }: Ctx['oidc']): InteractionModel | undefined {
  const { Interaction: interaction } = entities;
  const login = interaction?.result?.login;
  const isOther = login && session?.accountId && session.accountId !== login.accountId;
  return isOther ? interaction : undefined;
}

async function endLateSignIn(
  ctx: Context,
  late: InteractionModel,
  provider: Provider,
  pages: ProviderPages,
) {
  // Gone for good, also when the other person signs out. Missed: by the same page, loaded twice.
  await late.destroy().catch((error: unknown) => {
    if (!isGatehouseError(error, 'store_conflict')) throw error;
  });
  const client = await provider.Client.find(String(late.params.client_id));
  await pages.expired(ctx, clientOnPage(client));
}

/** The answers of requests whose writes lost a race, in the place of what they had said. */
export function createLostRaceAnswers(pages: ProviderPages): Answers {
  return {
    oauthError: async (ctx, error, description) => {
      ctx.remove('Location');
      if (isWithLibrary(ctx) && (await wasResumedMeanwhile(ctx))) return leadToSignIn(ctx);
      ctx.status = 400;
      await pages.error(ctx, { error, error_description: description });
    },
    sessionGone: async (ctx) => {
      ctx.remove('Location');
      await pages.expired(ctx, clientOnPage(oidcOf(ctx)?.client));
    },
  };
}

/** Two clicks resume one sign-in: the loser goes on where the winner does. */
async function wasResumedMeanwhile(ctx: Ctx): Promise<boolean> {
  if (!isResumed(ctx)) return false;
  return (await ctx.oidc.provider.Interaction.find(String(uidIn(ctx)))) === undefined;
}
