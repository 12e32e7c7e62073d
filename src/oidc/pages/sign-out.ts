// The two pages of a sign-out that an application asked for.
import { afterSignOut } from '../sign-out.ts';
import { type Ctx, sessionIn } from '../types.ts';
import { clientOnPage } from './client-on-page.ts';
import { formSecretOf } from './form-secret.ts';
import type { ProviderPages } from './provider-pages.ts';

/** Where `Stay signed in` leads if the application named no address. */
const ACCOUNT_PAGE = '/account';

export function createSignOutPages(pages: ProviderPages) {
  return {
    logoutSource: (ctx: Ctx) =>
      pages.confirmSignOut(ctx, {
        action: ctx.oidc.urlFor('end_session_confirm'),
        xsrf: formSecretOf(ctx),
        client: clientOnPage(ctx.oidc.client),
        accountId: ctx.oidc.session?.accountId,
        stay: afterSignOut(sessionIn(ctx)) ?? ACCOUNT_PAGE,
      }),
    postLogoutSuccessSource: (ctx: Ctx) => pages.signedOut(ctx, clientOnPage(ctx.oidc.client)),
  };
}
