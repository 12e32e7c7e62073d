// The response mode form_post: a page whose form sends the answer to the application.
import { inWords } from '../answers-in-words.ts';
import type { Ctx } from '../types.ts';
import { clientOnPage } from './client-on-page.ts';
import type { ProviderPages } from './provider-pages.ts';

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
