// The pages of the device flow: type the code, confirm the application, done.
import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { Limited } from '../../domain/limits/attempt.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { textOf } from '../../lib/narrow.ts';
import { perRequest } from '../../lib/per-request.ts';
import { isClientDisabled } from '../client-admission.ts';
import { UserCodesLimited } from '../client-attempts.ts';
import { type ClientModel, type Ctx, sessionIn } from '../types.ts';
import { clientOnPage } from './client-on-page.ts';
import { formSecretOf } from './form-secret.ts';
import type { DeviceProblem, OAuthProblem, ProviderPages } from './provider-pages.ts';
import { showBindingRejection } from './resume.ts';

/** The errors of oidc-provider that are about the code a person typed, by their names. */
const PROBLEMS: Readonly<Record<string, DeviceProblem>> = {
  NoCodeError: 'missing',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'aborted',
};

export function createDevicePages(pages: ProviderPages) {
  return {
    userCodeInputSource: async (ctx: Ctx, _form: string, out?: OAuthProblem, error?: Error) => {
      if (await showBindingRejection(ctx, pages)) return;
      if (isClientDisabled(ctx)) return pages.switchedOff(ctx);
      if (out && !isAboutCode(error)) return startAgain(ctx, pages);
      await pages.deviceCode(ctx, {
        action: ctx.oidc.urlFor('code_verification'),
        session: sessionIn(ctx).uid,
        xsrf: formSecretOf(ctx),
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

function isAboutCode(error: Error | undefined): boolean {
  return error instanceof UserCodesLimited || (error?.name ?? '') in PROBLEMS;
}

/** Leads to a new form, because the one that was sent was too old or its session is gone. */
async function startAgain(ctx: Ctx, pages: ProviderPages): Promise<void> {
  if (ctx.oidc.route === 'device_resume') return pages.expired(ctx, undefined);
  ctx.status = 303;
  ctx.redirect(ctx.oidc.urlFor('code_verification'));
}

function problemOf(error: Error | undefined): DeviceProblem | Limited {
  if (error instanceof UserCodesLimited) return error.limited;
  return PROBLEMS[error?.name ?? ''] ?? 'unknown';
}

function userCodeOf(ctx: Ctx, error: Error | undefined): string | undefined {
  const typed = error && 'userCode' in error ? textOf(error.userCode) : undefined;
  return typed ?? PREFILLED.get(ctx);
}

const PREFILLED = perRequest<string>('user code from the address');
/** Characters: longer than any code with its separators. */
const LONGEST_CODE = 20;

/**
 * Fills a `user_code` from the address into the form. On its own, oidc-provider would submit it
 * without asking: here a person sends it. Throws `bad_request` for two codes.
 */
export function prefillUserCode(provider: () => Provider): Middleware {
  return (ctx, next) => {
    if (ctx.method !== 'GET' || ctx.path !== provider().pathFor('code_verification')) return next();
    const { user_code: userCode, ...rest } = ctx.query;
    if (Array.isArray(userCode)) {
      throw new GatehouseError('bad_request', { message: 'user_code was sent twice.' });
    }
    if (userCode !== undefined) {
      PREFILLED.set(ctx, userCode.slice(0, LONGEST_CODE));
      ctx.query = rest;
    }
    return next();
  };
}
