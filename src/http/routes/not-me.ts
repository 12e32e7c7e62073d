// "This wasn't me": a link shows a button, and the button ends whatever is signed in.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Audit } from '../../domain/audit/audit.ts';
import { telling } from '../../domain/audit/locks.ts';
import type { Disowning } from '../../domain/disowning.ts';
import type { Limits } from '../../domain/limits/limits.ts';
import { NOT_ME_PATH } from '../../domain/links.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { keepForms } from '../middleware/security.ts';
import { FORGOT_PATH, redirect } from '../redirect.ts';
import { refusalOf } from '../refusals.ts';
import type { Render } from '../render.ts';
import type { Translate } from '../texts.ts';
import type { VisitorForms } from '../visitor-forms.ts';
import type { Visitors } from '../visitors.ts';

export interface NotMeNeeds {
  readonly disowning: Disowning;
  readonly limits: Limits;
  readonly audit: Audit;
  readonly visitors: Visitors;
  readonly visitorForms: VisitorForms;
  readonly render: Render;
  readonly t: Translate;
}

const DONE = `${NOT_ME_PATH}/done`;

export function notMeRoutes(needs: NotMeNeeds): Router {
  const { disowning, visitorForms, render, t } = needs;

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  /** Only what is no link is counted: a right one is never refused by a limit. */
  const showNothing = async (ctx: Context): Promise<void> => {
    const reserved = await needs.limits.reserveLink(needs.visitors.of(ctx).address);
    const attempt = await telling(reserved, needs.audit, { method: 'link' });
    if (attempt.kind === 'reserved') {
      await attempt.failed();
      return show(ctx, 'not-me/void', { actions: { forgot: FORGOT_PATH } }, 410);
    }
    const { status, retryAfter, alert } = refusalOf(attempt, '', t);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    show(ctx, 'reset/limited', { alert }, status);
  };

  /** Changes nothing: programs that look at mails open every link. */
  const showLink = async (ctx: Context): Promise<void> => {
    const state = await disowning.find(secretOf(ctx));
    if (state === undefined) return showNothing(ctx);
    if (state === 'used') return redirect(ctx, DONE);
    const csrf = visitorForms.token(ctx);
    show(ctx, 'not-me/confirm', { csrf, actions: { submit: ctx.path } });
  };

  const disown = async (ctx: Context): Promise<void> => {
    await visitorForms.read(ctx);
    const outcome = await disowning.disown(secretOf(ctx));
    if (outcome === undefined) return showNothing(ctx);
    redirect(ctx, DONE);
  };

  const router = new Router({ prefix: NOT_ME_PATH });
  router.get('/done', ((ctx: Context) =>
    show(ctx, 'not-me/done', { actions: { forgot: FORGOT_PATH } })) as never);
  router.get('/:secret', showLink as never);
  router.post('/:secret', disown as never);
  // Nobody else gets to see these addresses: they hold secrets.
  router.all('/:secret', (() => {
    throw new GatehouseError('method_not_allowed');
  }) as never);
  return router;
}

function secretOf(ctx: Context): string {
  return String(ctx.params.secret);
}
