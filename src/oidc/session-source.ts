// Loads the rows of a session in the form that oidc-provider reads.
import type { AdapterPayload, ClientAuthorizationState } from 'oidc-provider';
import { now } from '../lib/clock.ts';
import { isRecord } from '../lib/narrow.ts';
import type { Vault } from '../lib/vault.ts';
import type { Session, SessionClient, SessionTable } from '../store/sessions.ts';
import type { LoadedSession } from './types.ts';

export interface SessionSource {
  findById(id: string): Promise<AdapterPayload | undefined>;
  findByUid(uid: string): Promise<AdapterPayload | undefined>;
}

/** The key that a session is found by: the store never contains its identifier. */
export function sessionKey(vault: Vault, id: string): string {
  return vault.digest('oidc:Session', id);
}

interface SourceNeeds {
  readonly sessionTable: SessionTable;
  readonly vault: Vault;
}

export function createSessionSource({ sessionTable, vault }: SourceNeeds): SessionSource {
  const load = async (session: Session | undefined, key: string, isReplaced = false) =>
    session && toPayload(session, { key, isReplaced }, await sessionTable.clients(session.uid));
  return {
    findById: async (id) => {
      const key = sessionKey(vault, id);
      const payload =
        (await load(await sessionTable.findByKey(key, now()), key)) ??
        (await load(await sessionTable.findByPreviousKey(key, now()), key, true));
      return payload && { ...payload, jti: id };
    },
    findByUid: async (uid) => load(await sessionTable.find(uid, now()), ''),
  };
}

function toPayload(
  session: Session,
  found: Pick<LoadedSession, 'key' | 'isReplaced'>,
  clients: Map<string, SessionClient>,
): AdapterPayload {
  const { login } = session;
  return {
    kind: 'Session',
    uid: session.uid,
    iat: Math.floor(session.createdAt / 1000),
    exp: Math.floor(session.expiresAt / 1000),
    seenAt: session.seenAt,
    ...(session.accountId ? { accountId: session.accountId } : {}),
    ...(session.generation === undefined ? {} : { generation: session.generation }),
    ...(login && { ...login, amr: login.amr && [...login.amr] }),
    ...(isRecord(session.state) ? { state: session.state } : {}),
    authorizations: Object.fromEntries([...clients].map(toAuthorization)),
    loaded: { ...found, state: asJson(session.state), clients },
  };
}

function toAuthorization([id, client]: [string, SessionClient]): [
  string,
  ClientAuthorizationState,
] {
  const { sid, grantId, persistsLogout } = client;
  const rest = { ...(grantId ? { grantId } : {}), ...(persistsLogout ? { persistsLogout } : {}) };
  return [id, { sid, ...rest }];
}

/** How states are compared. */
export const asJson = (state: unknown) => (state === undefined ? undefined : JSON.stringify(state));
