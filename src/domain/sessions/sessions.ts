// When a session is idle, and the one way in which sessions end.
import type { Config } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { ClientTable } from '../../store/clients.ts';
import type { OutboxTable } from '../../store/outbox.ts';
import type { Session, SessionTable as SessionStore } from '../../store/sessions.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Audit } from '../audit/audit.ts';

export interface Sessions {
  isIdle(seenAt: number): boolean;
  /**
   * Statements that end a session: the mark, its audit event, and a back-channel logout for each
   * client in it that wants one. They belong into the unit of whatever ends it.
   */
  end(session: Pick<Session, 'uid' | 'accountId'>, why: SessionEnd): Promise<Unit>;
  /** The same for a session that somebody has named: must hit, it is one of the account's. */
  endOf(accountId: string, uid: string, why: SessionEnd): Promise<Unit>;
  /** Those that stand, the newest first. */
  list(accountId: string): Promise<Session[]>;
  /**
   * Statements for an account that moves on to another generation: its sessions end, but for the
   * one to keep, which moves along.
   */
  endOthers(
    accountId: string,
    generation: number,
    keep: string | undefined,
    why: SessionEnd,
  ): Promise<Unit>;
}

/** Why a session ended, as the audit says it. */
export type SessionEnd =
  | 'signed out'
  | 'signed out at an application'
  | 'signed out from elsewhere'
  | 'signed out everywhere'
  | 'somebody else signed in'
  | 'no tokens could be made'
  | 'password changed'
  | 'second factor enrolled'
  | 'second factor removed'
  | 'second factor reset'
  | 'password reset'
  | 'password reset by an operator'
  | 'sign-in disowned'
  | 'account suspended'
  | 'account deleted';

export interface BackchannelLogout {
  readonly clientId: string;
  readonly accountId: string;
  readonly sid: string;
}

export const BACKCHANNEL_LOGOUT = 'backchannel_logout';
const DELIVER_WITHIN = 86_400_000;
/** Sessions that one event names, at most. */
const NAMED = 20;

interface Needs {
  readonly config: Config;
  readonly sessionTable: SessionStore;
  readonly clientTable: ClientTable;
  readonly outboxTable: OutboxTable;
  readonly audit: Audit;
}

export function createSessions(needs: Needs): Sessions {
  const { config, sessionTable, clientTable, outboxTable, audit } = needs;
  const letterFor = async (
    accountId: string,
    clientId: string,
    sid: string,
  ): Promise<Statement[]> => {
    const client = await clientTable.find(clientId);
    if (!client?.metadata.backchannel_logout_uri) return [];
    const at = now();
    const payload: BackchannelLogout = { clientId, accountId, sid };
    const letter = {
      id: randomId(),
      kind: BACKCHANNEL_LOGOUT,
      recipient: clientId,
      payload: { ...payload },
      attempts: 0,
      expiresAt: at + DELIVER_WITHIN,
    };
    return [outboxTable.insert(letter, at)];
  };

  const lettersFor = async (accountId: string, uid: string): Promise<Unit> => {
    const inIt = [...(await sessionTable.clients(uid))];
    const letters = inIt.map(([clientId, { sid }]) => letterFor(accountId, clientId, sid));
    return (await Promise.all(letters)).flat();
  };

  /** One event, however many sessions end with one act. */
  const logoutMessages = async (
    accountId: string,
    uids: readonly string[],
    why: SessionEnd,
  ): Promise<Unit> => {
    if (uids.length === 0) return [];
    const many = { count: uids.length, sessions: uids.slice(0, NAMED) };
    const detail = uids.length === 1 ? { session: uids[0] } : many;
    const recorded = audit.record({ kind: 'session.ended', reason: why, accountId, detail });
    const letters = await Promise.all(uids.map((uid) => lettersFor(accountId, uid)));
    return [recorded, ...letters.flat()];
  };

  const end: Sessions['end'] = async ({ uid, accountId }, why) => {
    const mark = sessionTable.end(uid, now());
    return accountId ? [mark, ...(await logoutMessages(accountId, [uid], why))] : [mark];
  };

  return {
    isIdle: (seenAt) => now() - seenAt >= config.ttl.session_idle * 1000,
    end,
    endOf: async (accountId, uid, why) => [
      sessionTable.endOf(accountId, uid, now()),
      ...(await logoutMessages(accountId, [uid], why)),
    ],
    list: async (accountId) => {
      const all = await sessionTable.ofAccount(accountId, now());
      return all.toSorted((a, b) => signedInAt(b) - signedInAt(a));
    },
    endOthers: async (accountId, generation, keep, why) => {
      const all = await sessionTable.ofAccount(accountId, now());
      const others = all.map(({ uid }) => uid).filter((uid) => uid !== keep);
      const marks = others.map((uid) => sessionTable.end(uid, now()));
      const ended = [...marks, ...(await logoutMessages(accountId, others, why))];
      return keep === undefined ? ended : [...ended, sessionTable.update(keep, { generation })];
    },
  };
}

/** Milliseconds. */
export function signedInAt({ login, createdAt }: Session): number {
  return login ? login.loginTs * 1000 : createdAt;
}
