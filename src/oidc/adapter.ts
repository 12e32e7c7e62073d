// oidc-provider's storage: rows under keyed hashes, every spending a conditional write.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { now } from '../lib/clock.ts';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import type { Vault } from '../lib/vault.ts';
import type { Artifact, ArtifactTable, FoundArtifact } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { noteBindingRejection } from './binding-rejection.ts';
import type { BoundRow, BrowserBinding } from './browser-binding.ts';
import type { LookUpUserCode } from './client-attempts.ts';
import type { ClientSource } from './clients.ts';
import { authenticatedClientOf, INTERNAL_REDIRECT_URI } from './internal-request.ts';
import { createWaiting, PUSHED, type WaitingNeeds } from './open-requests.ts';
import { serviceAccountClient } from './service-account-client.ts';
import type { SessionSource } from './session-model.ts';
import { type Ctx, type CurrentContext, loginIn } from './types.ts';
import { type Conflict, type Item, oauthError, type Source, workOf } from './work.ts';

export interface AdapterNeeds extends WaitingNeeds {
  readonly config: Pick<Config, 'ttl' | 'sign_in' | 'refresh'>;
  readonly store: Store;
  readonly artifactTable: ArtifactTable;
  readonly vault: Vault;
  readonly clients: ClientSource;
  readonly lookUpUserCode: LookUpUserCode;
  readonly sessions: SessionSource;
  readonly browserBinding: BrowserBinding;
}

/** Milliseconds: within them a second use of a device code is a double submit, not a theft. */
const DOUBLE_SUBMIT = 5_000;
const REFRESH = 'RefreshToken';

const SPENT: Record<string, Conflict> = {
  AuthorizationCode: oauthError('invalid_grant', 'grant request is invalid'),
  RefreshToken: oauthError('invalid_grant', 'grant request is invalid'),
  DeviceCode: oauthError('invalid_grant', 'grant request is invalid'),
  PushedAuthorizationRequest: oauthError(
    'invalid_request_uri',
    'request_uri is invalid, expired, or was already used',
  ),
};

/** An authorization request goes on once: the library deletes its interaction as it resumes. */
const RESUMED = oauthError('session_not_found', 'the authorization request was answered already');

/** A device code that two people allow at once belongs to the first. */
const TAKEN = oauthError('invalid_request', 'another request was faster');

/** Milliseconds. */
const KEPT_LONGER = 60_000;

/** The factory that oidc-provider calls once for each of its models. */
export function createAdapterFactory(needs: AdapterNeeds): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return clientAdapter(needs);
    if (model === 'Session') return sessionAdapter(needs.sessions);
    if (model === 'Interaction') return interactionAdapter(needs);
    return artifactAdapter(model, needs);
  };
}

/** The key under which a model's value is found; the value itself is nowhere in the store. */
export function artifactKey(vault: Vault, model: string, value: string): string {
  return vault.digest(`oidc:${model}`, value);
}

export function grantKey(vault: Vault, grantId: string): string {
  return artifactKey(vault, 'Grant', grantId);
}

type Write = (statement: Statement, conflict?: Conflict, revokes?: boolean) => Promise<void>;

/** With the unit of the request, if one is being answered. */
function writer({ store, current }: Pick<AdapterNeeds, 'store' | 'current'>): Write {
  return async (statement, conflict, revokes = false) => {
    const work = workOf(current());
    if (work) work.items.push({ statement, conflict, revokes });
    else await store.write(statement);
  };
}

function artifactAdapter(model: string, needs: AdapterNeeds): Adapter {
  const { artifactTable, vault, current } = needs;
  const key = (value: string) => artifactKey(vault, model, value);
  const write = writer(needs);
  const revoke = (statement: Statement) => write(statement, undefined, true);
  const waiting = createWaiting(model, needs);
  const interval = needs.config.refresh.reuse_interval * 1000;

  const answer = (found: FoundArtifact | undefined, own: AdapterPayload) => {
    const work = workOf(current());
    waiting.note(String(own.jti), found);
    if (work && found && model in SPENT) work.source = found.payload;
    if (!found || isDoubleSubmit(model, found, current())) return undefined;
    if (!work || !isReuse(model, found, current(), interval)) return toPayload(found, own, vault);
    work.isReused = true;
    return toPayload({ ...found, consumedAt: undefined }, own, vault);
  };

  return {
    upsert: async (id, payload, expiresIn) => {
      const work = workOf(current());
      const issues = isIssued(model, payload);
      if (work && issues) work.issues = true;
      const generation = payload.accountId ? inherited(payload, current) : undefined;
      const made = toArtifact({ model, id, payload, generation, expiresIn }, vault);
      const traced = { ...made.payload, ...(issues ? signInOf(current) : {}) };
      const artifact = { ...made, payload: traced };
      const put = (countedKey?: string): Item => {
        const statement = artifactTable.put({ ...artifact, countedKey }, now());
        return { statement, conflict: TAKEN, revokes: false };
      };
      if (!waiting.begins(payload, put)) await write(put().statement, TAKEN);
    },
    find: async (id) => answer(await artifactTable.find(model, key(id)), { jti: id }),
    findByUserCode: async (userCode) => {
      const find = () => artifactTable.findByUserCode(model, key(userCode));
      return answer(await needs.lookUpUserCode(find), { userCode });
    },
    findByUid: async () => undefined,
    consume: (id) => {
      waiting.close(id);
      const at = now();
      const spend =
        model === REFRESH
          ? artifactTable.consumeSince(model, key(id), at, at - interval)
          : artifactTable.consume(model, key(id), at);
      return write(spend, SPENT[model]);
    },
    destroy: (id) => revoke(artifactTable.delete(model, key(id))),
    revokeByGrantId: (grantId) =>
      revoke(artifactTable.deleteByGrant(model, grantKey(vault, grantId))),
  };
}

/** Authorization requests that wait for a person: each belongs to the browser that began it. */
function interactionAdapter(needs: AdapterNeeds): Adapter {
  const { artifactTable, vault, current, browserBinding, config } = needs;
  const model = 'Interaction';
  const key = (id: string) => artifactKey(vault, model, id);
  const write = writer(needs);
  const waiting = createWaiting(model, needs);

  /**
   * A pushed request is spent at the end of a sign-in, and of a consent after it, that it began:
   * were it gone by then, nobody could tell that another one was faster.
   */
  const keepPushed = (id: string): Promise<void> => {
    const until = now() + config.ttl.interaction * 1000 + KEPT_LONGER;
    return write(artifactTable.keepUntil(PUSHED, artifactKey(vault, PUSHED, id), until));
  };

  const begin = async (id: string, payload: AdapterPayload, expiresIn?: number) => {
    const ctx = current();
    if (!ctx) throw new Error('a sign-in that no browser has begun');
    const { key: browserKey, isUnsettled } = browserBinding.begin(ctx);
    const begun = isUnsettled ? { ...payload, newBrowser: true } : payload;
    const made = { model, id, payload: begun, generation: undefined, expiresIn };
    const artifact = { ...toArtifact(made, vault), browserKey };
    const put = (countedKey?: string): Item => {
      const statement = artifactTable.put({ ...artifact, countedKey }, now());
      return { statement, conflict: undefined, revokes: false };
    };
    if (!waiting.begins(payload, put)) await write(put().statement);
    if (payload.parJti) await keepPushed(String(payload.parJti));
    await write(artifactTable.giveUpOldest(artifact, config.sign_in.open_per_browser, now()));
  };

  return {
    ...artifactAdapter(model, needs),
    // The library saves one again as it resumes it, for somebody else than it began with.
    upsert: (id, payload, expiresIn) =>
      payload.browserKey === undefined
        ? begin(id, payload, expiresIn)
        : write(
            artifactTable.replacePayload(model, key(id), toStored(model, payload, vault)),
            RESUMED,
          ),
    find: async (id) => {
      const found = await artifactTable.find(model, key(id));
      waiting.note(id, found);
      const ctx = current();
      // Our own pages look at the binding for themselves.
      const binding = found && ctx ? browserBinding.check(ctx, boundRow(found)) : 'own';
      if (found && binding === 'own') return toPayload(found, { jti: id }, vault);
      if (found && ctx && binding !== 'own') {
        noteBindingRejection(ctx, binding, found.payload.params);
      }
      return undefined;
    },
    destroy: (id) => {
      // One that was cancelled, or otherwise ended without a sign-in, keeps its place.
      if (signInOf(current).flow !== undefined) waiting.close(id);
      return write(artifactTable.take(model, key(id)), RESUMED);
    },
  };
}

function boundRow({ browserKey, consumedAt }: FoundArtifact): BoundRow {
  return { browserKey, isGivenUp: consumedAt !== undefined };
}

export interface NewArtifact {
  readonly model: string;
  /** What only its holder knows. */
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly generation: number | undefined;
  /** Seconds, where the payload does not say when it ends. */
  readonly expiresIn?: number | undefined;
}

/** What the library keeps, as it stands in our table. */
export function toArtifact(
  { model, id, payload, generation, expiresIn }: NewArtifact,
  vault: Vault,
): Artifact {
  const { accountId, clientId, grantId, userCode } = payload;
  return {
    model,
    key: artifactKey(vault, model, id),
    accountId,
    clientId,
    grantKey: grantId ? grantKey(vault, grantId) : undefined,
    userCodeKey: userCode ? artifactKey(vault, model, userCode) : undefined,
    generation,
    payload: toStored(model, payload, vault),
    expiresAt: expiryOf(payload, expiresIn),
  };
}

/**
 * From the Grant it hangs on, and the Grant from its session: never from the account, so that
 * nothing made from an old sign-in looks new.
 */
function inherited(payload: AdapterPayload, current: CurrentContext): number {
  const generation = payload.generation ?? current()?.oidc.entities.Grant?.generation;
  if (generation === undefined) throw new Error(`${payload.kind} without a generation`);
  return generation;
}

/** What a code brings is traced back to its sign-in, if there was one just now. */
function signInOf(current: CurrentContext): Pick<Source, 'flow'> {
  const flow = loginIn(current()?.oidc.entities.Interaction?.result)?.flow;
  return flow === undefined ? {} : { flow };
}

function isIssued(model: string, payload: AdapterPayload): boolean {
  return model === 'AuthorizationCode' || (model === 'DeviceCode' && Boolean(payload.accountId));
}

/**
 * What only its holder knows is not written beside its hash. A device code is also found by the
 * code that a person types, and an interaction leads back to it: there it stands sealed.
 */
export function toStored(model: string, payload: AdapterPayload, vault: Vault): Stored {
  const {
    jti,
    userCode: _userCode,
    generation: _generation,
    browserKey: _browserKey,
    deviceCode,
    session,
    ...rest
  } = payload;
  const { cookie: _cookie, ...sessionRest } = session ?? {};
  return {
    ...rest,
    ...(rest.returnTo ? { returnTo: rest.returnTo.replace(String(jti), OWN_UID) } : {}),
    ...(session ? { session: sessionRest } : {}),
    ...(model === 'DeviceCode' ? { sealedJti: vault.seal(String(jti), SEALED_JTI) } : {}),
    ...(deviceCode ? { sealedDeviceCode: vault.seal(deviceCode, SEALED_DEVICE_CODE) } : {}),
    ...(model === PUSHED ? unpacked(String(payload.request)) : {}),
  };
}

/** The unsigned JWT that oidc-provider makes of pushed parameters, and what stands around them. */
const UNSIGNED = `${Buffer.from('{"alg":"none"}').toString('base64url')}.`;
const packed = (parameters: string) =>
  `${UNSIGNED}${Buffer.from(parameters).toString('base64url')}.`;

/** A quarter smaller. What a client has signed stays as it is. */
function unpacked(request: string): Stored {
  const unsigned = Buffer.from(request.slice(UNSIGNED.length, -1), 'base64url').toString();
  return packed(unsigned) === request ? { request: undefined, unsigned } : {};
}

export type Stored = Record<string, unknown>;

const OWN_UID = '{uid}';
const SEALED_JTI = 'device-code:jti';
const SEALED_DEVICE_CODE = 'interaction:device-code';

function toPayload(found: FoundArtifact, own: AdapterPayload, vault: Vault): AdapterPayload {
  const { sealedJti, sealedDeviceCode, returnTo, unsigned, ...payload } = found.payload;
  return {
    ...payload,
    ...(isText(returnTo) ? { returnTo: returnTo.replace(OWN_UID, String(own.jti)) } : {}),
    ...(isText(unsigned) ? { request: packed(unsigned) } : {}),
    ...(isText(sealedJti) ? { jti: vault.open(sealedJti, SEALED_JTI) } : {}),
    ...(isText(sealedDeviceCode)
      ? { deviceCode: vault.open(sealedDeviceCode, SEALED_DEVICE_CODE) }
      : {}),
    ...own,
    ...(found.generation === undefined ? {} : { generation: found.generation }),
    ...(found.browserKey === undefined ? {} : { browserKey: found.browserKey }),
    ...(found.consumedAt === undefined ? {} : { consumed: Math.floor(found.consumedAt / 1000) }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/**
 * A second use that overlaps the first is refused without revoking what the first has brought. For
 * a code that is so only if this request had begun before the code was spent. Elsewhere than at
 * the token endpoint (revocation, introspection) a spent value is what it is.
 */
function isDoubleSubmit(model: string, found: FoundArtifact, ctx: Ctx | undefined): boolean {
  if (found.consumedAt === undefined || ctx?.oidc.route !== 'token') return false;
  if (model === 'DeviceCode') return now() - found.consumedAt < DOUBLE_SUBMIT;
  return model === 'AuthorizationCode' && (workOf(ctx)?.startedAt ?? 0) <= found.consumedAt;
}

/**
 * RFC 9700, 4.14.2 leaves it to us how soon a second use counts as a theft: an answer that was lost,
 * and requests in parallel, are far more frequent. A family that has ended has no token to find.
 * @param interval milliseconds
 */
function isReuse(
  model: string,
  { consumedAt }: FoundArtifact,
  ctx: Ctx | undefined,
  interval: number,
): boolean {
  const isUsed = model === REFRESH && consumedAt !== undefined && ctx?.oidc.route === 'token';
  return isUsed && now() - consumedAt < interval;
}

function expiryOf(payload: AdapterPayload, expiresIn: number | undefined): number {
  if (payload.exp) return payload.exp * 1000;
  return now() + (expiresIn ?? 0) * 1000;
}

const refuse = async (): Promise<never> => {
  throw new Error('not a way to change this model');
};

function clientAdapter({ clients, current }: AdapterNeeds): Adapter {
  return {
    find: async (id) => {
      if (id.startsWith(SERVICE_ACCOUNT)) return serviceAccountClient(current(), id);
      const found = await clients.find(id);
      return found && id === authenticatedClientOf(current()) ? asAuthenticated(found) : found;
    },
    upsert: refuse,
    findByUserCode: refuse,
    findByUid: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

/**
 * It has proved itself to us, and need not do so to the library once more. What it is registered
 * with for proving itself would be refused beside `none`.
 */
function asAuthenticated(payload: AdapterPayload): AdapterPayload {
  const { client_secret: _secret, token_endpoint_auth_signing_alg: _alg, ...metadata } = payload;
  const refreshes = metadata.grant_types?.includes('refresh_token');
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  return {
    rotate_refresh_tokens: isPublic,
    ...metadata,
    token_endpoint_auth_method: 'none',
    response_types: ['code'],
    redirect_uris: [INTERNAL_REDIRECT_URI],
    grant_types: ['authorization_code', ...(refreshes ? ['refresh_token'] : [])],
  };
}

function sessionAdapter(sessions: SessionSource): Adapter {
  return {
    find: (id) => sessions.findById(id),
    findByUid: (uid) => sessions.findByUid(uid),
    // session-model.ts replaces the model's save and destroy: nothing else writes sessions.
    upsert: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}
