// Shows the step that is due, and ends the sign-in where none is.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { Flow } from '../../../signin/flow.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import {
  duePage,
  findOrOpen,
  type Handler,
  isRead,
  placeOf,
  type SignInDeps,
  subjectOf,
} from './entry.ts';

export const showDue: Handler = async (deps, ctx, interaction) => {
  const found = await findOrOpen(deps, interaction);
  if (found.kind === 'ended') return redirect(ctx, interaction.returnTo);
  if (found.kind === 'expired') return showExpired(deps, ctx, interaction);
  const page = duePage(deps, found.flow);
  if (!page) return end(deps, ctx, interaction, found.flow);
  const flash = deps.flashes.take(ctx, placeOf(interaction, page));
  await page.show(ctx, await subjectOf(deps, interaction, found.flow), flash);
};

/** After a form that did what it was sent for. */
export const proceed: Handler = async (deps, ctx, interaction) => {
  const found = await findOrOpen(deps, interaction);
  if (found.kind === 'open' && !duePage(deps, found.flow)) {
    return end(deps, ctx, interaction, found.flow);
  }
  redirect(ctx, signInPath(interaction));
};

/** No step is due any more: the sign-in ends here, and only here. */
async function end(
  deps: SignInDeps,
  ctx: Context,
  interaction: Interaction,
  flow: Flow,
): Promise<void> {
  const outcome = await deps.finish(flow, {
    session: await deps.browserSessions.find(ctx),
    requester: deps.requesterCookies.of(ctx),
    signedIn: (...args) => [interaction.signedIn(...args)],
    refused: (...args) => [interaction.refused(...args)],
  });
  if (outcome.kind === 'finished') {
    if (outcome.cookies) deps.requesterCookies.keep(ctx, outcome.cookies);
    return redirect(ctx, interaction.returnTo);
  }
  if (outcome.kind === 'not-allowed' && isRead(ctx)) throw new GatehouseError(outcome.code);
  if (outcome.kind !== 'void') return redirect(ctx, signInPath(interaction));
  const now = await findOrOpen(deps, interaction);
  if (now.kind === 'ended') return redirect(ctx, interaction.returnTo);
  // The account has changed since the password was proved: from the beginning.
  if (isRead(ctx)) return showExpired(deps, ctx, interaction);
  redirect(ctx, signInPath(interaction));
}

function showExpired(deps: SignInDeps, ctx: Context, interaction: Interaction): void {
  ctx.status = 410;
  ctx.type = 'html';
  ctx.body = deps.render('expired', {
    trace: ctx.state.trace,
    client: interaction.client,
    csrf: deps.csrf.token(interaction.formBinding),
    actions: { restart: `${signInPath(interaction)}/restart` },
  });
}
