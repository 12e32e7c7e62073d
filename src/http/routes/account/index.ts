// The account pages: they read the provider's session and send the browser to sign in without one.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { Vault } from '../../../lib/vault.ts';
import { ACCOUNT_CALLBACK } from '../../../oidc/account-client.ts';
import { redirect } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import { type ActivityNeeds, createActivity } from './activity.ts';
import { ADD_PATH, type AddPageNeeds, createAddPage } from './add-factor.ts';
import { type ApplicationPagesNeeds, createApplicationPages } from './applications.ts';
import { createCallback } from './callback.ts';
import { createDevicePages, type DevicePagesNeeds } from './devices.ts';
import { type AuthenticatorPagesNeeds, createAuthenticatorPages } from './factors.ts';
import { createFlashMessages } from './flash-messages.ts';
import { createOverview } from './overview.ts';
import { createPasswordPage, type PasswordPageNeeds } from './password.ts';
import { createRecoveryCodePages, type RecoveryCodePagesNeeds } from './recovery-codes.ts';
import {
  createRequireSignIn,
  type RequireSignIn,
  type RequireSignInNeeds,
} from './require-sign-in.ts';
import { createReturnTo } from './return-to.ts';
import { createSessionPages, EVERYWHERE, type SessionPagesNeeds } from './sessions.ts';
import { createSetUp, SET_UP } from './set-up.ts';
import { ACCOUNT, createRefuse, createShow } from './site.ts';

/** What the pages make for each other. */
type Made = 'show' | 'refuse' | 'flashMessages' | 'returnTo';

interface PagesNeeds
  extends ActivityNeeds,
    AddPageNeeds,
    ApplicationPagesNeeds,
    AuthenticatorPagesNeeds,
    RecoveryCodePagesNeeds,
    DevicePagesNeeds,
    RequireSignInNeeds,
    PasswordPageNeeds,
    SessionPagesNeeds {}

export interface AccountPagesNeeds extends Omit<PagesNeeds, Made> {
  readonly issuer: string;
  readonly vault: Vault;
  readonly render: Render;
}

export function accountRoutes(given: AccountPagesNeeds): Router {
  const needs = {
    ...given,
    show: createShow(given),
    refuse: createRefuse(given),
    flashMessages: createFlashMessages(given.issuer),
    returnTo: createReturnTo(given.vault),
  };
  const requireSignIn = createRequireSignIn(needs);
  const router = new Router();
  const at = createTable(router);
  at.get('/', (ctx) => redirect(ctx, ACCOUNT));
  at.get(ACCOUNT_CALLBACK, createCallback({ ...needs, requireSignIn }));
  addPages(at, requireSignIn, needs);
  return router;
}

type Handler = (ctx: Context) => void | Promise<void>;

function createTable(router: Router) {
  return {
    get: (path: string, handle: Handler) => router.get(path, handle),
    post: (path: string, handle: Handler) => router.post(path, handle),
  };
}

function addPages(
  at: ReturnType<typeof createTable>,
  requireSignIn: RequireSignIn,
  needs: PagesNeeds,
): void {
  const { page, form, recentPage, recentForm } = requireSignIn;
  const setUp = createSetUp(needs);
  const password = createPasswordPage(needs);
  const authenticators = createAuthenticatorPages(needs);
  const add = createAddPage(needs);
  const codes = createRecoveryCodePages(needs);
  const devices = createDevicePages(needs);
  const sessions = createSessionPages(needs);
  const applications = createApplicationPages(needs);
  const activity = createActivity(needs);

  const overview = createOverview({
    ...needs,
    grace: setUp.grace,
    signOut: '/account/sign-out',
    sections: {
      password: (_, signedIn) => password.section(signedIn),
      authenticators: (_, signedIn) => authenticators.section(signedIn),
      recoveryCodes: (_, signedIn) => codes.section(signedIn),
      devices: devices.section,
      sessions: (_, signedIn) => sessions.section(signedIn),
      applications: (_, signedIn) => applications.section(signedIn),
      activity: (_, signedIn) => activity(signedIn),
    },
  });

  at.get(ACCOUNT, page(overview));
  at.get(SET_UP, page(setUp.go));
  at.post('/account/sign-out', sessions.signOut);

  at.get('/account/password', recentPage(password.page));
  at.post('/account/password', recentForm(password.submit));
  at.post('/account/password/check', form(password.check, '/account/password'));

  at.get(`${ADD_PATH}/:factor`, recentPage(add.page));
  at.post(`${ADD_PATH}/:factor`, recentForm(add.submit));
  at.post(`${ADD_PATH}/:factor/start`, recentForm(add.start));
  // Where a form ends that first had to be confirmed by signing in again.
  at.get(`${ADD_PATH}/:factor/start`, (ctx) => redirect(ctx, ctx.path.replace(/\/start$/, '')));
  at.get('/account/authenticators/:method/:id/rename', recentPage(authenticators.renamePage));
  at.post('/account/authenticators/:method/:id/rename', recentForm(authenticators.rename));
  at.get('/account/authenticators/:method/:id/remove', recentPage(authenticators.removePage));
  at.post('/account/authenticators/:method/:id/remove', recentForm(authenticators.remove));

  at.get(codes.path, recentPage(codes.page));
  at.post(codes.path, recentForm(codes.submit));
  at.get(`${codes.path}.txt`, recentPage(codes.download));

  at.get('/account/applications/:client/revoke', recentPage(applications.revokePage));
  at.post('/account/applications/:client/revoke', recentForm(applications.revoke));

  // Ways out want no fresh proof: whoever finds a stranger among their sessions is in a hurry.
  at.post('/account/devices/:id/forget', form(devices.forget, ACCOUNT));
  at.get('/account/devices/forget-all', page(devices.forgetAllPage));
  at.post('/account/devices/forget-all', form(devices.forgetAll));
  at.post('/account/sessions/:id/end', form(sessions.end, ACCOUNT));
  at.get(EVERYWHERE, page(sessions.everywherePage));
  at.post(EVERYWHERE, form(sessions.everywhere));
}
