// A sign-in that oidc-provider resumes: whether this browser may, and where its own page is.
import { SIGN_IN_PATH } from '../../web/paths.ts';
import { bindingRejectionOf } from '../binding-rejection.ts';
import { type Ctx, uidIn } from '../types.ts';
import { clientOnPage } from './client-on-page.ts';
import type { ProviderPages } from './provider-pages.ts';

export function isResume(ctx: Ctx): boolean {
  return ctx.oidc.route === 'resume' && uidIn(ctx) !== undefined;
}

/** Redirects to the page of the sign-in, which knows whether it was resumed or has expired. */
export function redirectToSignIn(ctx: Ctx): void {
  ctx.status = 303;
  ctx.redirect(`${SIGN_IN_PATH}/${uidIn(ctx)}`);
}

/** @returns false if nothing keeps this browser from resuming the sign-in: no page was shown */
export async function showBindingRejection(ctx: Ctx, pages: ProviderPages): Promise<boolean> {
  const rejection = bindingRejectionOf(ctx);
  if (!rejection) return false;
  const client = clientOnPage(await ctx.oidc.provider.Client.find(rejection.clientId));
  if (rejection.binding === 'other-browser') await pages.cookiesNeeded(ctx, client);
  else if (rejection.binding === 'given-up') await pages.givenUp(ctx, client);
  else await pages.expired(ctx, client);
  return true;
}
