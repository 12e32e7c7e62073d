// JSON for first-party applications: the same sign-in as the pages, in the person's own application.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { SignOutDirectly } from '../../../oidc/direct-sign-out.ts';
import { readJson } from '../../json.ts';
import { type CallerNeeds, createFindCaller } from './caller.ts';
import { answerInJson, Refusal } from './refusal.ts';
import { requestsFor } from './requests.ts';
import { type ApiSignInNeeds, createApiSignIn } from './sign-in.ts';
import { createTokens, type TokenNeeds } from './tokens.ts';

export type ApiNeeds = Omit<ApiSignInNeeds, 'findCaller' | 'tokens'> &
  CallerNeeds &
  TokenNeeds & { readonly signOutDirectly: SignOutDirectly };

export function apiRoutes(needs: ApiNeeds): Router {
  const findCaller = createFindCaller(needs);
  const tokens = createTokens(needs);
  const requests = requestsFor([]);
  const { login, factor, challenge } = createApiSignIn({ ...needs, findCaller, tokens });

  const refresh = async (ctx: Context) => {
    const body = await readJson(ctx, requests.refresh);
    const client = await findCaller(ctx, body);
    if (await tokens.refresh(ctx, client, body.refreshToken)) return;
    const description = 'refreshToken: it is unknown, used, or over; the person signs in again.';
    throw new Refusal(401, 'invalid_refresh_token', description);
  };

  const logout = async (ctx: Context) => {
    const body = await readJson(ctx, requests.logout);
    const { clientId } = await findCaller(ctx, body);
    await needs.signOutDirectly(clientId, body.refreshToken);
    ctx.status = 204;
  };

  const posts = { login, mfa: factor, 'mfa/sms': challenge, refresh, logout };
  const router = new Router({ prefix: '/v1/auth' });
  for (const [path, handle] of Object.entries(posts)) {
    router.post(`/${path}`, answerInJson as never, handle as never);
    router.all(`/${path}`, answerInJson as never, onlyPost as never);
  }
  return router;
}

function onlyPost(): never {
  const description = 'This address takes POST alone.';
  throw new Refusal(405, 'method_not_allowed', description, {}, { Allow: 'POST' });
}
