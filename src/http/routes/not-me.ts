// "This wasn't me": a link shows a button, and the button ends whatever is signed in.

import Router from '@koa/router';
import type { Context } from 'koa';
import type { Disowning } from '../../domain/accounts/disowning.ts';
import type { Audit } from '../../domain/audit/audit.ts';
import { withLimitAudit } from '../../domain/audit/locks.ts';
import type { Limits } from '../../domain/limits/limits.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { setRetryAfter } from '../../lib/retry-after.ts';
import { refusalOf } from '../../signin/denials.ts';
import type { AnonymousForms } from '../../web/anonymous-forms.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Flash, Flashes } from '../../web/flash.ts';
import { FORGOT_PATH, NOT_ME_PATH } from '../../web/paths.ts';
import { redirect } from '../../web/redirect.ts';
import type { Render } from '../../web/render.ts';
import { keepForms } from '../middleware/security.ts';
import type { RequesterCookies } from '../requester-cookies.ts';

export interface NotMeNeeds {
  readonly disowning: Disowning;
  readonly limits: Limits;
  readonly audit: Audit;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly anonymousForms: AnonymousForms;
  readonly render: Render;
  readonly t: Translate;
}

const DONE = `${NOT_ME_PATH}/done`;

export function notMeRoutes(needs: NotMeNeeds): Router {
  const { disowning, flashes, anonymousForms, render, t } = needs;

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  /** Only what is no link is counted: a right one is never refused by a limit. */
  const countNothing = async (ctx: Context): Promise<Flash> => {
    const reserved = await needs.limits.reserveLink(needs.requesterCookies.of(ctx).address);
    const attempt = await withLimitAudit(reserved, needs.audit, { method: 'link' });
    if (attempt.kind === 'limited') return refusalOf(attempt, '', t);
    await attempt.consume();
    return { status: 410 };
  };

  const showNothing = (ctx: Context, { status, retryAfter, alert }: Flash): void => {
    setRetryAfter(ctx, retryAfter);
    if (alert) show(ctx, 'reset/limited', { alert }, status);
    else show(ctx, 'not-me/void', { actions: { forgot: FORGOT_PATH } }, status);
  };

  const placeOf = (ctx: Context) => anonymousForms.placeOf(ctx, ctx.path);

  /** Changes nothing: programs that look at mails open every link. */
  const showLink = async (ctx: Context): Promise<void> => {
    const flash = flashes.take(ctx, placeOf(ctx));
    if (flash) return showNothing(ctx, flash);
    const state = await disowning.find(secretOf(ctx));
    if (state === undefined) return showNothing(ctx, await countNothing(ctx));
    if (state === 'used') return redirect(ctx, DONE);
    const csrf = anonymousForms.token(ctx);
    show(ctx, 'not-me/confirm', { csrf, actions: { submit: ctx.path } });
  };

  const disown = async (ctx: Context): Promise<void> => {
    await anonymousForms.read(ctx);
    const outcome = await disowning.disown(secretOf(ctx));
    if (outcome !== undefined) return redirect(ctx, DONE);
    flashes.leave(ctx, placeOf(ctx), await countNothing(ctx));
    redirect(ctx, ctx.path);
  };

  const router = new Router({ prefix: NOT_ME_PATH });
  router.get('/done', (ctx: Context) =>
    show(ctx, 'not-me/done', { actions: { forgot: FORGOT_PATH } }),
  );
  router.get('/:secret', showLink);
  router.post('/:secret', disown);
  // Nobody else gets to see these addresses: they hold secrets.
  router.all('/:secret', () => {
    throw new GatehouseError('method_not_allowed', { allow: ['GET', 'HEAD', 'POST'] });
  });
  return router;
}

function secretOf(ctx: Context): string {
  return String(ctx.params.secret);
}
