// JSON for first-party applications and service accounts: the same as the pages and the protocol.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { SignOutFirstParty } from '../../../oidc/first-party-sign-out.ts';
import { readJson } from '../../json.ts';
import { type CallerNeeds, createFindCaller } from './caller.ts';
import { ApiError, answerInJson } from './refusal.ts';
import { requestsFor } from './requests.ts';
import { createServiceAccountToken, type ServiceAccountTokenNeeds } from './service-account.ts';
import { type ApiSignInNeeds, createApiSignIn } from './sign-in.ts';
import { tokensInJson } from './tokens.ts';

export type ApiNeeds = Omit<ApiSignInNeeds, 'findCaller'> &
  CallerNeeds &
  ServiceAccountTokenNeeds & { readonly signOutFirstParty: SignOutFirstParty };

const OVER = "refreshToken: it's unknown, expired or revoked; the person must sign in again.";

export function apiRoutes(needs: ApiNeeds): Router {
  const findCaller = createFindCaller(needs);
  const requests = requestsFor([]);
  const { login, factor, challenge } = createApiSignIn({ ...needs, findCaller });

  const refresh = async (ctx: Context) => {
    const body = await readJson(ctx, requests.refresh);
    const { clientId } = await findCaller(ctx, body);
    const tokens = await needs.firstPartyTokens.refresh(ctx, clientId, body.refreshToken);
    if (!tokens) throw new ApiError(401, 'invalid_refresh_token', OVER);
    ctx.body = tokensInJson(tokens);
  };

  const logout = async (ctx: Context) => {
    const body = await readJson(ctx, requests.logout);
    const { clientId } = await findCaller(ctx, body);
    await needs.signOutFirstParty(clientId, body.refreshToken);
    ctx.status = 204;
  };

  const token = createServiceAccountToken(needs);

  const posts = {
    login,
    mfa: factor,
    'mfa/sms': challenge,
    refresh,
    logout,
    'service-account/token': token,
  };
  const router = new Router({ prefix: '/v1/auth' });
  for (const [path, handle] of Object.entries(posts)) {
    router.post(`/${path}`, answerInJson, handle);
    router.all(`/${path}`, answerInJson, onlyPost);
  }
  return router;
}

function onlyPost(): never {
  const description = 'This address accepts only POST.';
  throw new ApiError(405, 'method_not_allowed', description, {}, { Allow: 'POST' });
}
