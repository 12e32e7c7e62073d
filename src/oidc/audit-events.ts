// The audit events of the protocol: each row joins the unit of its request.
import type Provider from 'oidc-provider';
import type { Audit, AuditEvent } from '../domain/audit/audit.ts';
import type { Ctx } from './types.ts';
import { workOf } from './work.ts';

/** A grant that isn't listed records its tokens itself. */
const ISSUED: Readonly<Record<string, 'token.issued' | 'token.refreshed'>> = {
  authorization_code: 'token.issued',
  client_credentials: 'token.issued',
  'urn:ietf:params:oauth:grant-type:device_code': 'token.issued',
  refresh_token: 'token.refreshed',
};

export function recordTokens(provider: Provider, audit: Audit): void {
  provider.on('grant.success', (ctx) => {
    const event = issuedBy(ctx);
    if (event) join(ctx, audit, event);
  });
  // Only a second use revokes tokens at the token endpoint.
  provider.on('grant.revoked', (ctx) => {
    if (ctx.oidc.route === 'token') join(ctx, audit, reuseOf(ctx), true);
  });
}

/** @param stands whether it's kept if the request is refused */
function join(ctx: Ctx, audit: Audit, event: AuditEvent, stands = false): void {
  const flowId = workOf(ctx)?.source?.flow;
  const statement = audit.record({ ...event, clientId: ctx.oidc.client?.clientId, flowId });
  workOf(ctx)?.items.push({ statement, conflict: undefined, revokes: stands });
}

function issuedBy({ oidc: { entities, params } }: Ctx): AuditEvent | undefined {
  const grant = String(params?.grant_type);
  const token = entities.AccessToken ?? entities.ClientCredentials;
  const kind = ISSUED[grant];
  if (!kind || !token) return undefined;
  const { scope, aud } = token;
  const { accountId } = entities.AccessToken ?? {};
  const detail = { grant, scope: scope || undefined, resource: aud && String(aud) };
  return { kind, accountId, detail };
}

function reuseOf(ctx: Ctx): AuditEvent {
  const grant = String(ctx.oidc.params?.grant_type);
  const accountId = workOf(ctx)?.source?.accountId;
  return {
    kind: 'token.reuse',
    outcome: 'refused',
    reason: 'used before',
    accountId,
    detail: { grant },
  };
}
