// A sign-in that ends after another person has signed in in the same browser.
import type { Context, Middleware } from 'koa';
import type Provider from 'oidc-provider';
import { isGatehouseError } from '../../lib/errors.ts';
import { type Ctx, type InteractionModel, oidcOf } from '../types.ts';
import { clientOnPage } from './client-on-page.ts';
import type { ProviderPages } from './provider-pages.ts';

/**
 * Ends the late sign-in and says that it expired. On its own, oidc-provider would sign the other
 * person out, with a form that submits itself.
 */
export function endLateSignIns(provider: () => Provider, pages: ProviderPages): Middleware {
  return async (ctx, next) => {
    const policy = ctx.response.get('Content-Security-Policy');
    await next();
    const oidc = oidcOf(ctx);
    const late = oidc && findLate(oidc);
    if (!late) return;
    // oidc-provider has allowed its script.
    ctx.set('Content-Security-Policy', policy);
    await endLate(ctx, late, provider(), pages);
  };
}

function findLate({ entities, session }: Ctx['oidc']): InteractionModel | undefined {
  const { Interaction: interaction } = entities;
  const login = interaction?.result?.login;
  const isOther = login && session?.accountId && session.accountId !== login.accountId;
  return isOther ? interaction : undefined;
}

async function endLate(
  ctx: Context,
  late: InteractionModel,
  provider: Provider,
  pages: ProviderPages,
): Promise<void> {
  // It must not work later either, when the other person has signed out.
  await late.destroy().catch((error: unknown) => {
    // The same page, loaded twice, has destroyed it.
    if (!isGatehouseError(error, 'store_conflict')) throw error;
  });
  const client = await provider.Client.find(String(late.params.client_id));
  await pages.expired(ctx, clientOnPage(client));
}
