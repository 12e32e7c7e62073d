// Tokens for service accounts at a door of our own: JSON or a form, the grant is the library's.
import type { Context } from 'koa';
import { z } from 'zod';
import type { Inject } from '../../../oidc/internal-request.ts';
import { JWT_BEARER } from '../../../oidc/service-account-client.ts';
import { FORM, readForm } from '../../../web/forms.ts';
import { JSON_TYPE, parseMembers, readJson, text } from '../../json.ts';
import { ApiError, refusalOfLibrary } from './refusal.ts';

export interface ServiceAccountTokenNeeds {
  readonly inject: Inject;
  readonly tokenPath: () => string;
}

const request = z.strictObject({
  grant_type: text,
  assertion: text,
  mfa_code: text.optional(),
  scope: text.optional(),
  resource: text.optional(),
});

export function createServiceAccountToken({ inject, tokenPath }: ServiceAccountTokenNeeds) {
  return async (ctx: Context): Promise<void> => {
    const parameters = await read(ctx);
    if (parameters.grant_type !== JWT_BEARER) {
      throw new ApiError(400, 'unsupported_grant_type', `grant_type: must be ${JWT_BEARER}`);
    }
    if (ctx.get('DPoP')) {
      const hint = 'Only the token endpoint binds tokens to keys. Remove the DPoP header.';
      throw new ApiError(400, 'invalid_request', hint);
    }
    const answer = await inject(ctx, { path: tokenPath(), parameters });
    if (answer.status !== 200) throw refusalOfLibrary(answer);
    ctx.body = { scope: '', ...answer.body };
  };
}

async function read(ctx: Context) {
  if (ctx.is(JSON_TYPE)) return readJson(ctx, request);
  if (ctx.is(FORM)) return parseMembers(await readForm(ctx, LONGEST), request);
  throw new ApiError(415, 'unsupported_media_type', `Send ${JSON_TYPE} or ${FORM}.`);
}

/** Of a field: as long as in JSON. */
const LONGEST = 8192;
