// oidc-provider's session model over our rows: each session is one row, changed in place.
import type Provider from 'oidc-provider';
import { type Acr, isAtLeast } from '../domain/sessions/assurance.ts';
import type { SessionEnd } from '../domain/sessions/sessions.ts';
import { now } from '../lib/clock.ts';
import { currentRequest, noteInRequest, type RequestContext } from '../lib/request-context.ts';
import type { SessionOrigin } from '../store/sessions.ts';
import { type SessionNeeds, saveSession, write } from './session-writes.ts';
import {
  type Ctx,
  type CurrentContext,
  type LoginResult,
  loginIn,
  type SessionModel,
} from './types.ts';

/** Replaces how the session model signs in, saves and ends. */
export function installSessionModel(provider: Provider, needs: SessionNeeds): void {
  const Model = provider.Session;
  const fields = [...Model.IN_PAYLOAD, 'generation', 'seenAt', 'loaded'];
  Object.defineProperty(Model, 'IN_PAYLOAD', { get: () => fields });
  const save = async (session: SessionModel): Promise<string> => {
    await saveSession(session, needs);
    session.touched = false;
    return session.jti;
  };
  Object.assign(Model.prototype, {
    loginAccount(this: SessionModel, login: { accountId: string; loginTs: number }) {
      signIn(this, login, loginResultOf(needs.current));
    },
    save(this: SessionModel) {
      return save(this);
    },
    // Called at the end of each request. A session without a cookie isn't saved.
    async persist(this: SessionModel) {
      return this.exp === undefined ? this.jti : save(this);
    },
    async destroy(this: SessionModel) {
      const { uid, accountId } = this;
      noteInRequest({ actor: accountId });
      const why = endOf(needs.current());
      // When two sign-outs race, one ends the session and writes the audit event.
      const ending = accountId
        ? needs.domain.endOf(accountId, uid, why)
        : needs.domain.end({ uid, accountId }, why);
      await write(needs, await ending);
      this.destroyed = true;
    },
  });
}

/** Whether the person signed out here, or at an application that sent them here. */
function endOf(ctx: Ctx | undefined): SessionEnd {
  const { clientId } = ctx?.oidc.session?.state ?? {};
  return clientId === undefined ? 'signed out' : 'signed out at an application';
}

function loginResultOf(current: CurrentContext): LoginResult {
  const login = loginIn(current()?.oidc.entities.Interaction?.result);
  if (!login) throw new Error('no interaction has finished the sign-in');
  return login;
}

function signIn(
  session: SessionModel,
  { accountId, loginTs }: { accountId: string; loginTs: number },
  { acr, amr, generation, renews }: LoginResult,
): void {
  // A consent page repeats the sign-in before it. What was proved since then stays.
  if (session.accountId === accountId && isNewer(session, loginTs, acr)) return;
  const login = { accountId, loginTs, acr, amr: [...amr], generation };
  Object.assign(session, login, {
    origin: originOf(currentRequest()),
    seenAt: now(),
    signedIn: true,
    renewed: renews,
  });
}

/** Characters. */
const LONGEST_AGENT = 400;

export function originOf({ userAgent = '', address = '' }: RequestContext): SessionOrigin {
  return { userAgent: userAgent.slice(0, LONGEST_AGENT), address };
}

/**
 * Whether the session's sign-in is newer. Times are whole seconds: within one, the stronger sign-in
 * counts.
 */
function isNewer({ loginTs = 0, acr }: SessionModel, ts: number, other: Acr): boolean {
  return loginTs > ts || (loginTs === ts && isAtLeast(acr, other));
}
