// The hosted sign-in: one address for each authorization request, which shows the step that is due.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { SignInAudit } from '../../../signin/audit-events.ts';
import type { Store } from '../../../store/store.ts';
import { FIRST_VISIT, SIGN_IN_PATH } from '../../../web/paths.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import { createAccountSelection } from './account-selection.ts';
import { type CallbackDeps, callback } from './callback.ts';
import { type ConsentNeeds, createConsentPage } from './consent.ts';
import { type Handler, type SignInDeps, withForm, withInteraction } from './entry.ts';
import { createGonePage, type GoneNeeds } from './gone.ts';
import { cancel, restart } from './leave.ts';
import { createNoAccessPage } from './no-access.ts';
import { showDue } from './progress.ts';
import { stepDownload, stepForm } from './steps.ts';

export interface SignInNeeds extends Omit<CallbackDeps, 'showGone'>, ConsentNeeds, GoneNeeds {
  readonly store: Store;
  readonly signInAudit: SignInAudit;
}

export function signInRoutes(needs: SignInNeeds): Router {
  const deps: CallbackDeps & SignInDeps = { ...needs, showGone: createGonePage(needs) };
  const consent = createConsentPage(needs);
  const selection = createAccountSelection(needs);
  const noAccess = createNoAccessPage(needs);
  const pages = { consent, select_account: selection, access: noAccess };
  const show: Handler = (_deps, ctx, interaction) => {
    const { prompt } = interaction;
    return prompt === 'login'
      ? showDue(deps, ctx, interaction)
      : pages[prompt].show(ctx, interaction);
  };

  const router = new Router({ prefix: SIGN_IN_PATH });
  router.get('/callback/:factor', callback(deps));
  router.get('/:uid', onceSettled(withInteraction(deps, show)));
  for (const path of new Set(needs.pages.flatMap(({ forms }) => forms.map((form) => form.path)))) {
    router.post(`/:uid/${path}`, withForm(deps, stepForm(path)));
  }
  for (const { path } of needs.pages.flatMap(({ downloads = [] }) => downloads)) {
    router.get(`/:uid/${path}`, withInteraction(deps, stepDownload(path)));
  }
  router.post(
    '/:uid/consent',
    withForm(deps, (_deps, ...args) => consent.submit(...args)),
  );
  router.post(
    '/:uid/account',
    withForm(deps, (_deps, ctx, interaction) => selection.submit(ctx, interaction)),
  );
  router.post(
    '/:uid/no-access',
    withForm(deps, (_deps, ctx, interaction) => noAccess.submit(ctx, interaction)),
  );
  router.post('/:uid/cancel', withForm(deps, cancel(needs)));
  router.post('/:uid/switch', withForm(deps, restart(needs)));
  router.post('/:uid/restart', withForm(deps, restart(needs)));
  // A page that was shown after a refused form, loaded again.
  router.get('/:uid/*rest', (ctx: Context) =>
    redirect(ctx, signInPath({ uid: encodeURIComponent(ctx.params.uid) })),
  );
  return router;
}

/**
 * A browser that sends many requests at once gets a cookie for each, and keeps the last. By the
 * second look all of them are there.
 */
function onceSettled(handle: (ctx: Context) => Promise<void>) {
  return async (ctx: Context): Promise<void> => {
    if (ctx.search === FIRST_VISIT) return redirect(ctx, ctx.path);
    return handle(ctx);
  };
}
