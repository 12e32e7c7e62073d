// oidc-provider's Grant as the token family of one session and client, filled from our consent row.
import type Provider from 'oidc-provider';
import { errors, type Grant } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import type { Consents, Granted } from '../domain/consents/consents.ts';
import { randomId } from '../lib/ids.ts';
import type { ConsentTable } from '../store/consents.ts';
import type { SessionClient, SessionTable } from '../store/sessions.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { mayAskFor, mayAskForClaim } from './allowed-scopes.ts';
import type { ClientExtras } from './client-extras.ts';
import { assertMayAnswer } from './redirect-uris.ts';
import {
  type Ctx,
  type CurrentContext,
  clientIn,
  type GrantModel,
  type SessionModel,
  sessionIn,
} from './types.ts';
import { oauthError, setAside, workOf } from './work.ts';

export interface GrantNeeds {
  readonly store: Store;
  readonly sessionTable: SessionTable;
  readonly consents: Consents;
  /** Fails the unit unless the consent still stands. */
  readonly guardConsent: ConsentTable['guard'];
  /** All scopes and resources: what a first-party client may use without asking. */
  readonly everything: Granted;
}

/** Limits what was granted to what the client may still ask for. */
export function installGrantModel(
  provider: Provider,
  config: Pick<Config, 'attributes'>,
  current: CurrentContext,
): void {
  const Model = provider.Grant;
  const fields = [...Model.IN_PAYLOAD, 'generation'];
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => fields });
  const { getOIDCScopeFiltered: filtered } = Model.prototype;
  Model.prototype.getOIDCScopeFiltered = function (this: Grant, filter) {
    const client: ClientExtras = current()?.oidc.client ?? {};
    const granted = filtered.call(this, filter).split(' ');
    return granted.filter((scope) => mayAskFor(client, scope)).join(' ');
  };
  const mayAsk = (claim: string): boolean => {
    const client: ClientExtras = current()?.oidc.client ?? {};
    return mayAskForClaim(client, claim, config);
  };
  const { getOIDCClaimsFiltered: allowed, getOIDCClaimsEncountered: known } = Model.prototype;
  Model.prototype.getOIDCClaimsFiltered = function (this: Grant, filter) {
    return allowed.call(this, filter).filter(mayAsk);
  };
  // Leave out claims that the client may not ask for, without asking the person.
  Model.prototype.getOIDCClaimsEncountered = function (this: Grant) {
    const asked = [...(current()?.oidc.requestParamClaims ?? [])];
    return [...known.call(this), ...asked.filter((claim) => !mayAsk(claim))];
  };
}

/** Called for every authorization request of a signed-in person. */
export function createLoadExistingGrant(needs: GrantNeeds) {
  return async (ctx: Ctx): Promise<Grant | undefined> => {
    assertMayAnswer(ctx);
    const granted = await grantedFor(ctx, needs);
    if (!granted) return undefined;
    holdConsent(ctx, needs);
    const session = sessionIn(ctx);
    return session.loaded
      ? sharedGrant(ctx, session, granted, needs)
      : newGrant(ctx, session, granted);
  };
}

async function grantedFor(ctx: Ctx, needs: GrantNeeds): Promise<Granted | undefined> {
  const { accountId } = sessionIn(ctx);
  const client = clientIn(ctx);
  // This is only an upper limit: codes and tokens contain what was requested.
  if (client.first_party) return needs.everything;
  return needs.consents.find(accountId ?? '', client.clientId);
}

const REVOKED = oauthError('access_denied', 'access was revoked meanwhile');

/** Makes the unit depend on the consent: if it's revoked meanwhile, this request issues nothing. */
function holdConsent(ctx: Ctx, needs: GrantNeeds): void {
  const items = guardOf(ctx, needs).map((statement) => ({ statement, conflict: REVOKED }));
  workOf(ctx)?.items.push(...items.map((item) => ({ ...item, revokes: false })));
}

function guardOf(ctx: Ctx, { guardConsent }: GrantNeeds): Unit {
  const { accountId = '' } = sessionIn(ctx);
  const { clientId, first_party: isFirstParty } = clientIn(ctx);
  return isFirstParty ? [] : [guardConsent(accountId, clientId)];
}

/** No other request knows this session yet, so everything goes into the unit of this one. */
async function newGrant(ctx: Ctx, session: SessionModel, granted: Granted): Promise<Grant> {
  const authorization = session.authorizationFor(clientIdOf(ctx), true);
  authorization.sid ??= randomId();
  authorization.grantId ??= newGrantId();
  const grant = build(ctx, session, authorization.grantId);
  fill(grant, granted);
  await grant.save();
  return grant;
}

/**
 * Parallel requests of one client must end up in one family, so each write is visible immediately.
 */
async function sharedGrant(
  ctx: Ctx,
  session: SessionModel,
  granted: Granted,
  needs: GrantNeeds,
): Promise<Grant> {
  const clientId = clientIdOf(ctx);
  const client = await joinSession(session, clientId, needs);
  const found = client.grantId ? await findGrant(ctx, session, client.grantId) : undefined;
  // Start a family if there was none, or if its tokens were revoked.
  const grant = found ?? (await startFamily(ctx, session, client.grantId, granted, needs));
  await keepUp(ctx, grant, granted, needs);
  const authorization = session.authorizationFor(clientId, true);
  Object.assign(authorization, { sid: client.sid, grantId: grant.jti });
  return grant;
}

async function joinSession(
  session: SessionModel,
  clientId: string,
  { store, sessionTable }: GrantNeeds,
): Promise<SessionClient> {
  const known = session.loaded?.clients.get(clientId);
  if (known) return known;
  const client: SessionClient = { sid: randomId(), grantId: undefined, persistsLogout: false };
  await store.commit([sessionTable.addClient(session.uid, clientId, client)]);
  return (await sessionTable.clients(session.uid)).get(clientId) ?? client;
}

async function startFamily(
  ctx: Ctx,
  session: SessionModel,
  was: string | undefined,
  granted: Granted,
  needs: GrantNeeds,
): Promise<GrantModel> {
  const { store, sessionTable } = needs;
  const grant = build(ctx, session, newGrantId());
  fill(grant, granted);
  const made = await setAside(ctx, () => grant.save());
  const { uid } = session;
  const clientId = clientIdOf(ctx);
  const outcome = await store.commit([
    sessionTable.replaceGrant(uid, clientId, was, grant.jti),
    ...made,
  ]);
  if (outcome.kind === 'committed') return grant;
  const client = (await sessionTable.clients(uid)).get(clientId);
  // The session no longer has this client, so there is nothing to attach a family to.
  if (!client) throw new errors.AccessDenied('the application was signed out meanwhile');
  // Another request has just started the family.
  const theirs = client.grantId;
  const found = theirs ? await findGrant(ctx, session, theirs) : undefined;
  return found ?? startFamily(ctx, session, theirs, granted, needs);
}

/**
 * Repeats until the Grant contains everything that was allowed, including what another tab has just
 * added.
 */
async function keepUp(
  ctx: Ctx,
  grant: GrantModel,
  granted: Granted,
  needs: GrantNeeds,
): Promise<void> {
  if (!fill(grant, granted)) return;
  const made = await setAside(ctx, () => grant.save());
  // On a conflict the consent is gone, and a Grant that went with it must not come back.
  const { kind } = await needs.store.commit([...guardOf(ctx, needs), ...made]);
  if (kind === 'conflict') return;
  const latest = await grantedFor(ctx, needs);
  if (latest) await keepUp(ctx, grant, latest, needs);
}

const clientIdOf = (ctx: Ctx) => ctx.oidc.client?.clientId ?? '';
export const newGrantId = () => randomId(256);

/** Ignores a Grant of another person, left in the session by an earlier sign-in. */
async function findGrant(
  ctx: Ctx,
  session: SessionModel,
  id: string,
): Promise<GrantModel | undefined> {
  const grant = await ctx.oidc.provider.Grant.find(id);
  return grant?.accountId === session.accountId ? grant : undefined;
}

function build(ctx: Ctx, session: SessionModel, jti: string): GrantModel {
  const accountId = session.accountId ?? '';
  const { Grant } = ctx.oidc.provider;
  const grant = new Grant({ accountId, clientId: clientIdOf(ctx) });
  return Object.assign(grant, { jti, generation: session.generation });
}

/** @returns whether the Grant lacked something */
export function fill(grant: GrantModel, granted: Granted): boolean {
  const before = JSON.stringify([grant.openid, grant.resources]);
  // An empty entry would be lost when the Grant is saved, and so would be missing forever.
  if (granted.scopes.length > 0) grant.addOIDCScope(granted.scopes.join(' '));
  if (granted.claims.length > 0) grant.addOIDCClaims([...granted.claims]);
  for (const [identifier, scopes] of Object.entries(granted.resources)) {
    if (scopes.length > 0) grant.addResourceScope(identifier, scopes.join(' '));
  }
  return JSON.stringify([grant.openid, grant.resources]) !== before;
}
