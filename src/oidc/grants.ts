// The library's Grant as the token family of one session and client, filled from our consent row.
import type { Grant } from 'oidc-provider';
import type { ConsentsDomain, Granted } from '../domain/consents.ts';
import { randomId } from '../lib/ids.ts';
import type { SessionClient, Sessions } from '../store/sessions.ts';
import type { Store } from '../store/store.ts';
import type { ClientExtras, Ctx, SessionModel } from './types.ts';

export interface GrantNeeds {
  readonly store: Store;
  readonly sessions: Sessions;
  readonly consents: ConsentsDomain;
}

type FamilyGrant = Grant & { generation?: number };

/** Called by the library for every authorization request of a signed-in person. */
export function createLoadExistingGrant(needs: GrantNeeds) {
  return async (ctx: Ctx): Promise<Grant | undefined> => {
    const granted = await grantedFor(ctx, needs.consents);
    return granted && familyGrant(ctx, granted, needs);
  };
}

async function grantedFor(ctx: Ctx, consents: ConsentsDomain): Promise<Granted | undefined> {
  const { accountId } = ctx.oidc.session as unknown as SessionModel;
  const client = ctx.oidc.client as unknown as ClientExtras & { clientId: string };
  if (client.first_party) return requested(ctx);
  return consents.find(accountId ?? '', client.clientId);
}

/** Everything this request asks for. */
function requested(ctx: Ctx): Granted {
  const { oidc } = ctx;
  const resources = Object.entries(oidc.resourceServers ?? {}).map(([identifier, server]) => {
    const scopes = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope));
    return [identifier, scopes] as const;
  });
  return {
    scopes: [...oidc.requestParamOIDCScopes],
    claims: [...oidc.requestParamClaims],
    resources: Object.fromEntries(resources),
  };
}

async function familyGrant(ctx: Ctx, granted: Granted, needs: GrantNeeds): Promise<Grant> {
  const session = ctx.oidc.session as unknown as SessionModel;
  const clientId = ctx.oidc.client?.clientId ?? '';
  const { Grant } = ctx.oidc.provider;
  const authorization = session.authorizationFor(clientId, true);
  await join(session, clientId, authorization, needs);
  const found = (await Grant.find(authorization.grantId ?? '')) as FamilyGrant | undefined;
  if (found) return fill(found, granted);
  // Its tokens were revoked, or it is the first: a family of its own.
  authorization.grantId = await startFamily(session, clientId, authorization.grantId, needs);
  const accountId = session.accountId ?? '';
  const fresh = new Grant({ accountId, clientId }) as FamilyGrant;
  const generation = session.generation as number;
  return fill(Object.assign(fresh, { jti: authorization.grantId, generation }), granted);
}

/** Two first requests of one client side by side must end up in the same family. */
async function join(
  session: SessionModel,
  clientId: string,
  authorization: { sid?: string; grantId?: string },
  { store, sessions }: GrantNeeds,
): Promise<void> {
  if (authorization.sid) return;
  const client: SessionClient = { sid: randomId(), grantId: undefined, persistsLogout: false };
  // A session that is new in this request is known to nobody else and not in the store yet.
  if (!session.loaded) {
    authorization.sid = client.sid;
    return;
  }
  await store.commit([sessions.addClient(session.uid, clientId, client)]);
  await readBack(session, clientId, authorization, sessions);
}

async function readBack(
  session: SessionModel,
  clientId: string,
  authorization: { sid?: string; grantId?: string },
  sessions: Sessions,
): Promise<void> {
  const stored = (await sessions.clients(session.uid)).get(clientId);
  if (!stored) return;
  authorization.sid = stored.sid;
  if (stored.grantId) authorization.grantId = stored.grantId;
}

async function startFamily(
  session: SessionModel,
  clientId: string,
  was: string | undefined,
  { store, sessions }: GrantNeeds,
): Promise<string> {
  const grantId = randomId(256);
  if (!session.loaded) return grantId;
  const replace = sessions.replaceGrant(session.uid, clientId, was, grantId);
  const outcome = await store.commit([replace]);
  if (outcome.kind === 'committed') return grantId;
  // Another request started the family a moment ago.
  const stored = (await sessions.clients(session.uid)).get(clientId);
  return stored?.grantId ?? grantId;
}

async function fill(grant: FamilyGrant, granted: Granted): Promise<Grant> {
  const before = JSON.stringify([grant.openid, grant.resources]);
  grant.addOIDCScope(granted.scopes.join(' '));
  grant.addOIDCClaims([...granted.claims]);
  for (const [identifier, scopes] of Object.entries(granted.resources)) {
    grant.addResourceScope(identifier, scopes.join(' '));
  }
  if (JSON.stringify([grant.openid, grant.resources]) !== before) await grant.save();
  return grant;
}
