// The answers to requests whose writes lost a race: they replace what oidc-provider has answered.
import { type Ctx, isWithLibrary, oidcOf, uidIn } from '../types.ts';
import type { Answers } from '../work.ts';
import { clientOnPage } from './client-on-page.ts';
import type { ProviderPages } from './provider-pages.ts';
import { isResume, redirectToSignIn } from './resume.ts';

export function createLostRaceAnswers(pages: ProviderPages): Answers {
  return {
    oauthError: async (ctx, error, description) => {
      ctx.remove('Location');
      if (isWithLibrary(ctx) && (await wasResumedMeanwhile(ctx))) return redirectToSignIn(ctx);
      ctx.status = 400;
      await pages.error(ctx, { error, error_description: description });
    },
    sessionGone: async (ctx) => {
      ctx.remove('Location');
      await pages.expired(ctx, clientOnPage(oidcOf(ctx)?.client));
    },
  };
}

/** Whether two clicks resumed one sign-in: the loser continues where the winner does. */
async function wasResumedMeanwhile(ctx: Ctx): Promise<boolean> {
  if (!isResume(ctx)) return false;
  return (await ctx.oidc.provider.Interaction.find(String(uidIn(ctx)))) === undefined;
}
