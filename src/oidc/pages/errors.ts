// What a browser sees when oidc-provider refuses its request.
import { isClientDisabled } from '../client-admission.ts';
import type { Ctx } from '../types.ts';
import type { OAuthProblem, ProviderPages } from './provider-pages.ts';
import { isResume, redirectToSignIn, showBindingRejection } from './resume.ts';

export function createRenderError(pages: ProviderPages) {
  return async (ctx: Ctx, out: OAuthProblem, error: Error): Promise<void> => {
    if (await showBindingRejection(ctx, pages)) return;
    if (isResumedAlready(ctx, error)) return redirectToSignIn(ctx);
    await (isClientDisabled(ctx) ? pages.switchedOff(ctx) : pages.error(ctx, out, error));
  };
}

/** Whether nothing is left to resume: the sign-in was resumed before, or has expired. */
function isResumedAlready(ctx: Ctx, error: Error): boolean {
  return isResume(ctx) && error.name === 'SessionNotFound' && !ctx.oidc.entities.Interaction;
}
