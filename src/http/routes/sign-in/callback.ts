// Where another provider sends browsers back to, with what it says of them.
import type { Context } from 'koa';
import type { Factor } from '../../../factors/index.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { Prove } from '../../../signin/prove.ts';
import type { Redirects } from '../../../signin/redirecting.ts';
import { flashOf } from '../../../signin/steps/factor-page.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import { deny, duePage, findOrOpen, type SignInDeps, withInteraction } from './entry.ts';
import { proceed } from './progress.ts';

export interface CallbackDeps extends SignInDeps {
  readonly redirects: Redirects;
  readonly factors: readonly Factor[];
  readonly prove: Prove;
  readonly t: Translate;
}

export function callback(deps: CallbackDeps) {
  const take = withInteraction(
    deps,
    (_deps, ctx, interaction) => proveRedirected(deps, ctx, interaction),
    ({ query }) => deps.redirects.uidOf(query.state) ?? '',
  );
  return async (ctx: Context): Promise<void> => {
    if (deps.redirects.uidOf(ctx.query.state) === undefined) {
      throw new GatehouseError('bad_request');
    }
    await take(ctx);
  };
}

async function proveRedirected(
  deps: CallbackDeps,
  ctx: Context,
  interaction: Interaction,
): Promise<void> {
  const factor = deps.factors.find(({ name, redirect }) => redirect && name === ctx.params.factor);
  if (!factor) throw new GatehouseError('not_found');
  const found = await findOrOpen(deps, interaction);
  const page = found.kind === 'open' ? duePage(deps, found.flow) : undefined;
  if (found.kind !== 'open' || page?.step.name !== factor.step) {
    return redirect(ctx, signInPath(interaction));
  }
  if (!deps.redirects.isFor(ctx.query.state, found.flow, factor)) {
    throw new GatehouseError('bad_request');
  }
  const input = factor.input.safeParse({ ...ctx.query });
  if (!input.success) return deny(deps, ctx, interaction, page, cancelled(deps));
  const requester = deps.requesterCookies.of(ctx);
  const outcome = await deps.prove(found.flow, { factor, input: input.data, requester });
  const flash = flashOf(outcome, factor, deps.t);
  if (flash) return deny(deps, ctx, interaction, page, { flash });
  await proceed(deps, ctx, interaction);
}

/** The provider says why in words of its own, which are not for our page. */
function cancelled({ t }: CallbackDeps) {
  return {
    flash: { status: 422, alert: { kind: 'error', text: t('sign-in.not-returned') } },
  } as const;
}
