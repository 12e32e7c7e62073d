// The session of a sign-in without pages: no cookie opens it, and one code is redeemed in-process.
import type Provider from 'oidc-provider';
import type { AuthorizationCode } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { personScopes } from '../domain/attributes/attributes.ts';
import { allResources, ownApi } from '../domain/clients/resources.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { Vault } from '../lib/vault.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { SessionTable } from '../store/sessions.ts';
import type { Statement, Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { mayAskFor } from './allowed-scopes.ts';
import { toArtifact } from './artifacts.ts';
import type { ClientExtras } from './client-extras.ts';
import { fill, newGrantId } from './grants.ts';
import { INTERNAL_REDIRECT_URI } from './internal-request.ts';
import { everythingIn } from './resource-indicators.ts';
import { originOf } from './session-model.ts';
import { sessionKey } from './session-source.ts';
import type { ClientModel, GrantModel, LoginResult } from './types.ts';

export interface FirstPartySessions {
  /** Whether the client may get the tokens of such a sign-in. */
  isFor(client: ClientExtras): boolean;
  /** The scopes to grant, or the first one that this client may not ask for. */
  scopesOf(client: ClientExtras, asked: string | undefined): readonly string[] | UnknownScope;
  /** The code, and the statements for the unit that ends the sign-in. */
  open(
    login: LoginResult,
    client: ClientModel,
    scopes: readonly string[],
  ): Promise<FirstPartySession>;
  /** Ends a session that brought no tokens. */
  withdraw(session: FirstPartySession): Promise<void>;
}

export interface UnknownScope {
  readonly unknown: string;
}

export interface FirstPartySession {
  readonly uid: string;
  readonly accountId: string;
  readonly code: string;
  readonly unit: Unit;
}

interface Needs {
  readonly config: Config;
  readonly vault: Vault;
  readonly store: Store;
  readonly sessionTable: SessionTable;
  readonly ending: Pick<Sessions, 'endOf'>;
  readonly artifactTable: ArtifactTable;
  readonly provider: () => Provider;
}

const USUAL = ['openid', 'profile', 'email'];

export function createFirstPartySessions(needs: Needs): FirstPartySessions {
  const { config } = needs;
  const own = allResources(config).find((each) => each.identifier === ownApi(config));
  const known = [...personScopes(config), ...(own?.scopes ?? [])];
  return {
    isFor: ({ resources }) => resources?.includes(ownApi(config)) ?? true,
    scopesOf: (client, asked) => {
      const may = known.filter((scope) => mayAskFor(client, scope));
      const wanted = asked === undefined ? USUAL.filter((s) => may.includes(s)) : words(asked);
      const unknown = wanted.find((scope) => !may.includes(scope));
      return unknown === undefined ? wanted : { unknown };
    },
    withdraw: async ({ accountId, uid }) => {
      await needs.store.commit(await needs.ending.endOf(accountId, uid, 'no tokens could be made'));
    },
    open: (login, client, scopes) => open(login, client, scopes, needs),
  };
}

const words = (text: string) => [...new Set(text.split(' ').filter(Boolean))];

async function open(
  login: LoginResult,
  client: ClientModel,
  scopes: readonly string[],
  needs: Needs,
): Promise<FirstPartySession> {
  const grant = await makeGrant(login, client, needs);
  const isOffline = scopes.includes('offline_access');
  const session = { uid: randomId(), sid: randomId(), grantId: grant.id, isOffline };
  const code = await makeCode(login, client, { ...session, scopes }, needs);
  return {
    uid: session.uid,
    accountId: login.accountId,
    code: code.id,
    unit: [...sessionRows(login, client, session, needs), grant.statement, code.statement],
  };
}

interface Opened {
  readonly uid: string;
  readonly sid: string;
  readonly grantId: string;
  /** Its tokens outlive the session. */
  readonly isOffline: boolean;
}

function sessionRows(
  { accountId, generation, ts, acr, amr }: LoginResult,
  { clientId }: ClientModel,
  { uid, sid, grantId, isOffline }: Opened,
  { config, vault, sessionTable }: Needs,
): Unit {
  const at = now();
  const row = {
    uid,
    // Nobody knows this identifier, so no cookie opens the session.
    key: sessionKey(vault, randomId(256)),
    accountId,
    generation,
    login: { loginTs: ts, acr, amr },
    origin: { ...originOf(currentRequest()), clientId },
    state: undefined,
    seenAt: at,
    expiresAt: at + config.ttl.session * 1000,
    createdAt: at,
  };
  const added = { sid, grantId, persistsLogout: isOffline };
  return [sessionTable.insert(row), sessionTable.addClient(uid, clientId, added)];
}

interface Made {
  readonly id: string;
  readonly statement: Statement;
}

/**
 * Grants everything, as for any first-party application: the code limits it to what was requested.
 */
async function makeGrant(
  { accountId, generation }: LoginResult,
  { clientId }: ClientModel,
  { config, provider, ...rest }: Needs,
): Promise<Made> {
  const grant = new (provider().Grant)({ accountId, clientId });
  fill(grant, everythingIn(config));
  grant.jti = newGrantId();
  return put('Grant', grant, generation, {}, rest);
}

async function makeCode(
  { accountId, generation, acr, amr, ts, flow }: LoginResult,
  client: ClientModel,
  { uid, sid, grantId, isOffline, scopes }: Opened & { readonly scopes: readonly string[] },
  { config, provider, ...rest }: Needs,
): Promise<Made> {
  const code = new (provider().AuthorizationCode)({
    accountId,
    acr,
    amr: [...amr],
    authTime: ts,
    client,
    expiresWithSession: !isOffline,
    grantId,
    // Only the published type requires it: a code doesn't store it.
    gty: 'authorization_code',
    redirectUri: INTERNAL_REDIRECT_URI,
    resource: ownApi(config),
    scope: scopes.join(' '),
    sessionUid: uid,
    sid,
  });
  code.jti = code.generateTokenId();
  return put('AuthorizationCode', code, generation, { flow }, rest);
}

async function put(
  model: string,
  entity: GrantModel | AuthorizationCode,
  generation: number,
  traced: object,
  { artifactTable, vault }: Pick<Needs, 'artifactTable' | 'vault'>,
): Promise<Made> {
  const { payload } = await entity.getValueAndPayload();
  const id = entity.jti;
  const artifact = toArtifact({ model, id, payload: { ...payload, ...traced }, generation }, vault);
  return { id, statement: artifactTable.put(artifact, now()) };
}
