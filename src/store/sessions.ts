// Browser sessions: one row each, kept after its end as a mark, and one row for each client in it.
import { defineColumns, flag, integer, json, optional, text } from './columns.ts';
import { accountIsCurrent } from './current-account.ts';
import type { Row, Statement } from './statement.ts';
import type { Store } from './store.ts';

/** What the sign-in said. Seconds for `loginTs`, as oidc-provider counts. */
export interface SessionLogin {
  readonly loginTs: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/** Where somebody signed in, as they said it of themselves. */
export interface SessionOrigin {
  readonly userAgent: string;
  /** The client's network address. */
  readonly address: string;
  /** The application that did it in the person's place: there is no cookie. */
  readonly clientId?: string | undefined;
}

export interface SessionClient {
  readonly sid: string;
  readonly grantId: string | undefined;
  /** Its tokens outlive the session (offline_access). */
  readonly persistsLogout: boolean;
}

export interface Session {
  readonly uid: string;
  readonly accountId: string | undefined;
  readonly generation: number | undefined;
  readonly login: SessionLogin | undefined;
  /** Of the newest sign-in in it. */
  readonly origin: SessionOrigin | undefined;
  /** oidc-provider's own scratch space (logout, device). */
  readonly state: unknown;
  readonly seenAt: number;
  readonly expiresAt: number;
  readonly createdAt: number;
}

export interface NewSession extends Session {
  readonly key: string;
}

export interface SessionChange {
  readonly key?: string;
  /** The key before, still good until then for requests that were under way; null: not at all. */
  readonly previous?: { readonly key: string; readonly until: number } | null;
  readonly accountId?: string | undefined;
  readonly generation?: number | undefined;
  readonly login?: SessionLogin | undefined;
  readonly origin?: SessionOrigin | undefined;
  readonly state?: unknown;
  readonly seenAt?: number;
  readonly expiresAt?: number;
}

const PLAIN = defineColumns({
  uid: text('uid'),
  accountId: optional(text('account_id')),
  generation: optional(integer('generation')),
  seenAt: integer('seen_at'),
  expiresAt: integer('expires_at'),
  createdAt: integer('created_at'),
});
const ORIGIN = defineColumns({
  userAgent: optional(text('user_agent')),
  address: optional(text('address')),
  clientId: optional(text('client_id')),
});
const SCRATCH = defineColumns({
  login: optional(json<SessionLogin>('login')),
  state: optional(json<unknown>('state')),
});
const CLIENT = defineColumns({
  clientId: text('client_id'),
  sid: text('sid'),
  grantId: optional(text('grant_id')),
  persistsLogout: flag('persists_logout'),
});

export interface SessionTable {
  /** Live sessions only: not ended, not expired, of the account's generation. */
  findByKey(key: string, at: number): Promise<Session | undefined>;
  /** By the key that was replaced a moment ago. */
  findByPreviousKey(key: string, at: number): Promise<Session | undefined>;
  find(uid: string, at: number): Promise<Session | undefined>;
  /** The live sessions of an account. */
  ofAccount(accountId: string, at: number): Promise<Session[]>;
  clients(uid: string): Promise<Map<string, SessionClient>>;
  insert(session: NewSession): Statement;
  /** Must hit: there is a session of this uid that has not ended. */
  update(uid: string, change: SessionChange): Statement;
  /** Must hit: the session has not ended. */
  guard(uid: string): Statement;
  end(uid: string, at: number): Statement;
  /** Must hit: it is a session of this account that has not ended. */
  endOf(accountId: string, uid: string, at: number): Statement;
  /** Makes the client's row unless there is one. */
  addClient(uid: string, clientId: string, client: SessionClient): Statement;
  /** Must hit: replaces the Grant of a client, if it is still `was`. */
  replaceGrant(uid: string, clientId: string, was: string | undefined, grantId: string): Statement;
  markPersistent(uid: string, clientId: string): Statement;
  removeClient(uid: string, clientId: string): Statement;
}

export function createSessionTable(store: Store): SessionTable {
  const live = (column: 'uid' | 'key' | 'previous_key' | 'account_id') =>
    store.prepare<{ value: string; at: number }>((p, sql) =>
      sql('sessions as s')
        .where(`s.${column}`, p.value)
        .where(column === 'previous_key' ? 's.previous_until' : 's.expires_at', '>', p.at)
        .where('s.expires_at', '>', p.at)
        .whereNull('s.ended_at')
        .whereRaw(accountIsCurrent('s'))
        .select('s.*'),
    );
  const byUid = live('uid');
  const byKey = live('key');
  const byPrevious = live('previous_key');
  const byAccount = live('account_id');
  const clientsOf = store.prepare<{ uid: string }>((p, sql) =>
    sql('session_clients').where({ uid: p.uid }),
  );
  const touch = store.prepare<{ uid: string; seen: number }>(
    (p, sql) =>
      sql('sessions').where({ uid: p.uid }).whereNull('ended_at').update({ seen_at: p.seen }),
    1,
  );
  const guard = store.prepare<{ uid: string }>(
    (p, sql) => sql('sessions').where({ uid: p.uid }).whereNull('ended_at').select('uid'),
    1,
  );
  const end = store.prepare<{ uid: string; at: number }>((p, sql) =>
    sql('sessions').where({ uid: p.uid }).whereNull('ended_at').update({ ended_at: p.at }),
  );
  const endOf = store.prepare<{ uid: string; accountId: string; at: number }>(
    (p, sql) =>
      sql('sessions')
        .where({ uid: p.uid, account_id: p.accountId })
        .whereNull('ended_at')
        .update({ ended_at: p.at }),
    1,
  );
  const client = (uid: string, clientId: string) =>
    store.sql('session_clients').where({ uid, client_id: clientId });

  return {
    findByKey: async (value, at) => toSession(await store.find(byKey({ value, at }))),
    findByPreviousKey: async (value, at) => toSession(await store.find(byPrevious({ value, at }))),
    find: async (value, at) => toSession(await store.find(byUid({ value, at }))),
    ofAccount: async (value, at) =>
      (await store.all(byAccount({ value, at }))).map((row) => toSession(row) ?? plainly(row)),
    clients: async (uid) => new Map((await store.all(clientsOf({ uid }))).map(toClient)),
    insert: (session) => store.compile(store.sql('sessions').insert(toRow(session)), 1),
    update: (uid, change) => {
      const onlySeen = Object.keys(change).length === 1 && change.seenAt !== undefined;
      if (onlySeen) return touch({ uid, seen: change.seenAt as number });
      const query = store.sql('sessions').where({ uid }).whereNull('ended_at');
      return store.compile(query.update(changedColumns(change)), 1);
    },
    guard: (uid) => guard({ uid }),
    end: (uid, at) => end({ uid, at }),
    endOf: (accountId, uid, at) => endOf({ accountId, uid, at }),
    addClient: (uid, clientId, added) =>
      store.compile(
        store
          .sql('session_clients')
          .insert({
            uid,
            client_id: clientId,
            sid: added.sid,
            grant_id: added.grantId ?? null,
            persists_logout: added.persistsLogout ? 1 : 0,
          })
          .onConflict(['uid', 'client_id'])
          .ignore(),
      ),
    replaceGrant: (uid, clientId, was, grantId) =>
      store.compile(
        client(uid, clientId)
          .where({ grant_id: was ?? null })
          .update({ grant_id: grantId }),
        1,
      ),
    markPersistent: (uid, clientId) =>
      store.compile(client(uid, clientId).update({ persists_logout: 1 })),
    removeClient: (uid, clientId) => store.compile(client(uid, clientId).del()),
  };
}

function toRow(session: NewSession): Row {
  return {
    uid: session.uid,
    key: session.key,
    account_id: session.accountId ?? null,
    generation: session.generation ?? null,
    login: toJson(session.login),
    ...originColumns(session.origin),
    state: toJson(session.state),
    seen_at: session.seenAt,
    expires_at: session.expiresAt,
    created_at: session.createdAt,
  };
}

function changedColumns(change: SessionChange): Row {
  const columns: Row = {};
  if ('key' in change) columns.key = change.key;
  if ('previous' in change) {
    columns.previous_key = change.previous?.key ?? null;
    columns.previous_until = change.previous?.until ?? null;
  }
  if ('accountId' in change) columns.account_id = change.accountId ?? null;
  if ('generation' in change) columns.generation = change.generation ?? null;
  if ('login' in change) columns.login = toJson(change.login);
  if ('origin' in change) Object.assign(columns, originColumns(change.origin));
  if ('state' in change) columns.state = toJson(change.state);
  if ('seenAt' in change) columns.seen_at = change.seenAt;
  if ('expiresAt' in change) columns.expires_at = change.expiresAt;
  return columns;
}

function originColumns(origin: SessionOrigin | undefined): Row {
  return {
    user_agent: origin?.userAgent ?? null,
    address: origin?.address ?? null,
    client_id: origin?.clientId ?? null,
  };
}

function originOf(row: Row): SessionOrigin | undefined {
  const { userAgent, address, clientId } = ORIGIN.read(row);
  if (userAgent === undefined || address === undefined) return undefined;
  const origin = { userAgent, address };
  return clientId === undefined ? origin : { ...origin, clientId };
}

/** Undefined for a row that is damaged, too: it signs nobody in. */
function toSession(row: Row | undefined): Session | undefined {
  if (!row) return undefined;
  try {
    return { ...plainly(row), ...SCRATCH.read(row) };
  } catch {
    return undefined;
  }
}

/** What any row says, damaged or not: enough for it to be listed, and ended with the others. */
function plainly(row: Row): Session {
  return { ...PLAIN.read(row), login: undefined, origin: originOf(row), state: undefined };
}

function toClient(row: Row): [string, SessionClient] {
  const { clientId, ...client } = CLIENT.read(row);
  return [clientId, client];
}

const toJson = (value: unknown) => (value === undefined ? null : JSON.stringify(value));
