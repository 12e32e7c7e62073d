// The address of a sign-in that cannot go on here: finished, expired, or another browser's.
import type { Context } from 'koa';
import type { FoundInteraction, Interactions } from '../../../oidc/interactions.ts';
import type { Flows } from '../../../signin/flow.ts';
import { redirect } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';

export interface GoneNeeds {
  readonly interactions: Interactions;
  readonly flows: Flows;
  /** How many sign-ins of one browser may be open. */
  readonly givenUpAfter: number;
  /** Where a sign-in at this application begins anew. */
  readonly startUrlOf: (clientId: string) => Promise<string | undefined>;
  readonly render: Render;
}

export type NotHere = Exclude<FoundInteraction, { readonly kind: 'found' }>;

export function createGonePage(needs: GoneNeeds) {
  const show = (ctx: Context, view: string, status: number, data: object) => {
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = needs.render(view, { trace: ctx.state.trace, ...data });
  };

  /** Back, a second click or another tab: the application is where it goes on. */
  const leadOn = (ctx: Context, startUrl: string | undefined) =>
    startUrl === undefined ? show(ctx, 'finished', 200, {}) : redirect(ctx, startUrl);

  return async (ctx: Context, uid: string, found: NotHere): Promise<void> => {
    const opened = await needs.flows.findRow(needs.interactions.keyOf(uid));
    // Nobody has seen a page of it.
    if (found.kind === 'overtaken' && !opened) return redirect(ctx, found.again);
    const clientId = found.kind === 'given-up' ? found.clientId : opened?.clientId;
    const restartHref = clientId === undefined ? undefined : await needs.startUrlOf(clientId);
    if (found.kind === 'given-up') {
      ctx.state.problem = 'sign_in_given_up';
      return show(ctx, 'expired', 410, { restartHref, givenUpAfter: needs.givenUpAfter });
    }
    if (found.kind !== 'gone') return show(ctx, 'cookies', 400, { restartHref });
    if (opened?.endedAt !== undefined) return leadOn(ctx, restartHref);
    show(ctx, 'expired', 410, { restartHref });
  };
}
