// Saves a session: only what the request changed, in the request's unit.
import type { Config } from '../config/schema.ts';
import type { Sessions } from '../domain/sessions/sessions.ts';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { AccountTable } from '../store/accounts.ts';
import type { SessionChange, SessionClient, SessionTable } from '../store/sessions.ts';
import type { Unit } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { CountOpenRequest } from './open-requests.ts';
import { asJson, sessionKey } from './session-source.ts';
import type { CurrentContext, LoadedSession, SessionModel } from './types.ts';
import { SESSION_GONE, workOf } from './work.ts';

export interface SessionNeeds {
  readonly config: Config;
  readonly store: Store;
  readonly sessionTable: SessionTable;
  readonly accountTable: AccountTable;
  readonly domain: Sessions;
  readonly vault: Vault;
  readonly current: CurrentContext;
  readonly countOpenRequest: CountOpenRequest;
}

/** Milliseconds. Without a sign-in, a session only contains the secret of a form. */
const ANONYMOUS_TTL = 3_600_000;
/** Milliseconds for which requests may still arrive with an identifier that was replaced. */
const UNDER_WAY = 30_000;

export async function saveSession(session: SessionModel, needs: SessionNeeds): Promise<void> {
  const unit = [
    ...guardAccount(session, needs),
    ...(session.loaded ? changed(session, needs) : insertedOrCounted(session, needs)),
    ...savedClients(session, needs),
  ];
  session.loaded = asLoaded(session, needs.vault);
  session.signedIn = false;
  delete session.oldId;
  await write(needs, unit);
}

/** Adds to the unit of the request that is being answered; without one, commits immediately. */
export async function write({ store, current }: SessionNeeds, unit: Unit): Promise<void> {
  const work = workOf(current());
  if (!work) await store.commit(unit);
  else
    work.items.push(
      ...unit.map((statement) => ({ statement, conflict: SESSION_GONE, revokes: false })),
    );
}

function guardAccount(
  { accountId, generation }: SessionModel,
  { accountTable }: SessionNeeds,
): Unit {
  return accountId === undefined ? [] : [accountTable.guardSession(accountId, generation ?? 0)];
}

/** Counts a session without a person, for a device's or a sign-out's form, as an open request. */
function insertedOrCounted(session: SessionModel, needs: SessionNeeds): Unit {
  const unit = inserted(session, needs);
  const ctx = needs.current();
  const work = workOf(ctx);
  if (session.accountId !== undefined || !ctx || !work) return unit;
  for (const statement of unit) {
    needs.countOpenRequest(ctx, work, () => ({
      statement,
      conflict: SESSION_GONE,
      revokes: false,
    }));
  }
  return [];
}

function inserted(session: SessionModel, needs: SessionNeeds): Unit {
  const at = now();
  const expiresAt = at + lifetime(session, needs.config);
  session.exp = Math.floor(expiresAt / 1000);
  session.seenAt = at;
  const row = {
    uid: session.uid,
    key: sessionKey(needs.vault, session.jti),
    accountId: session.accountId,
    generation: session.generation,
    login: loginOf(session),
    origin: session.origin,
    state: session.state,
    seenAt: at,
    expiresAt,
    createdAt: at,
  };
  return [needs.sessionTable.insert(row)];
}

function changed(session: SessionModel, needs: SessionNeeds): Unit {
  const change = changeOf(session, needs);
  const { sessionTable } = needs;
  const any = Object.keys(change).length > 0;
  return [any ? sessionTable.update(session.uid, change) : sessionTable.guard(session.uid)];
}

/** Only what this request changed, so that parallel requests don't overwrite each other. */
function changeOf(session: SessionModel, { vault, domain, config }: SessionNeeds): SessionChange {
  const at = now();
  const change: Record<string, unknown> = {};
  if (session.oldId) Object.assign(change, rotation(session, at, vault));
  if (asJson(session.state) !== session.loaded?.state) change.state = session.state;
  // An idle session stays idle until somebody signs in again.
  if (!domain.isIdle(session.seenAt ?? 0)) change.seenAt = at;
  if (session.signedIn) {
    const { accountId, generation, origin } = session;
    Object.assign(change, { accountId, generation, origin, login: loginOf(session) });
  }
  // Only a password prolongs the session: otherwise codes could keep it alive forever.
  if (session.signedIn && session.renewed) {
    const expiresAt = at + lifetime(session, config);
    session.exp = Math.floor(expiresAt / 1000);
    Object.assign(change, { expiresAt });
  }
  return change;
}

/**
 * The new identifier that every resumed request gives the session. Requests that are still under
 * way with the old one keep their session, unless somebody signed in: then the old one ends
 * immediately.
 */
function rotation(session: SessionModel, at: number, vault: Vault): SessionChange {
  const key = sessionKey(vault, session.jti);
  if (session.signedIn) return { key, previous: null };
  if (session.loaded?.isReplaced) return {};
  return { key, previous: { key: session.loaded?.key ?? '', until: at + UNDER_WAY } };
}

function lifetime(session: SessionModel, config: Config): number {
  return session.accountId ? config.ttl.session * 1000 : ANONYMOUS_TTL;
}

function loginOf({ loginTs, acr, amr }: SessionModel) {
  if (loginTs === undefined) return undefined;
  return { loginTs, ...(acr ? { acr } : {}), ...(amr ? { amr } : {}) };
}

function savedClients(session: SessionModel, { sessionTable }: SessionNeeds): Unit {
  const before = session.loaded?.clients ?? new Map<string, SessionClient>();
  const after = clientsOf(session);
  const unit = [...after].flatMap(([id, client]) => {
    const was = before.get(id);
    const added = was ? [] : [sessionTable.addClient(session.uid, id, client)];
    const isNews = client.persistsLogout && !was?.persistsLogout;
    return isNews ? [...added, sessionTable.markPersistent(session.uid, id)] : added;
  });
  const gone = [...before.keys()].filter((id) => !after.has(id));
  return [...unit, ...gone.map((id) => sessionTable.removeClient(session.uid, id))];
}

function clientsOf(session: SessionModel): Map<string, SessionClient> {
  const entries = Object.entries(session.authorizations ?? {});
  const known = entries.filter(([, authorization]) => authorization.sid !== undefined);
  return new Map(
    known.map(([id, { sid = '', grantId, persistsLogout = false }]) => [
      id,
      { sid, grantId, persistsLogout },
    ]),
  );
}

function asLoaded(session: SessionModel, vault: Vault): LoadedSession {
  return {
    key: sessionKey(vault, session.jti),
    isReplaced: session.loaded?.isReplaced === true && !session.signedIn,
    state: asJson(session.state),
    clients: clientsOf(session),
  };
}
