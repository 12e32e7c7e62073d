// Who may come in to the account pages: whoever is signed in, and for changes has just proved it.
import type { Context } from 'koa';
import type { Accounts } from '../../../domain/accounts/accounts.ts';
import { mayComeFrom } from '../../../domain/accounts/allowed-addresses.ts';
import type { Mfa } from '../../../domain/accounts/mfa.ts';
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import { ACR, type Acr, isAtLeast } from '../../../domain/sessions/assurance.ts';
import type { Sessions } from '../../../domain/sessions/sessions.ts';
import { now, nowSeconds } from '../../../lib/clock.ts';
import { currentRequest, noteInRequest } from '../../../lib/request-context.ts';
import type { BrowserSession, BrowserSessions } from '../../../oidc/browser-sessions.ts';
import { type FactorStateNeeds, stateOf } from '../../../signin/factor-state.ts';
import type { Account } from '../../../store/accounts.ts';
import type { SessionTable } from '../../../store/sessions.ts';
import type { Store } from '../../../store/store.ts';
import type { Csrf } from '../../../web/csrf.ts';
import { type Form, readForm } from '../../../web/forms.ts';
import { redirect } from '../../../web/redirect.ts';
import type { ReturnTo } from './return-to.ts';

export interface RequireSignInNeeds extends FactorStateNeeds {
  readonly store: Store;
  readonly sessionTable: SessionTable;
  readonly sessions: Sessions;
  readonly browserSessions: BrowserSessions;
  readonly accounts: Accounts;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly csrf: Csrf;
  readonly returnTo: ReturnTo;
}

/** The signed-in person of this browser. */
export interface SignedIn {
  readonly account: Account;
  readonly session: BrowserSession;
}

type Handler = (ctx: Context) => Promise<void>;
export type PageHandler = (ctx: Context, signedIn: SignedIn) => void | Promise<void>;
export type FormHandler = (ctx: Context, signedIn: SignedIn, form: Form) => Promise<void>;

export interface RequireSignIn {
  find(ctx: Context): Promise<SignedIn | undefined>;
  /** Anybody else is asked to sign in, and comes back. */
  page(handle: PageHandler): Handler;
  /** @param back where a browser that must sign in first comes back to; the page of this address */
  form(handle: FormHandler, back?: string): Handler;
  /** For changes: who has not proved it of late does so first. */
  recentPage(handle: PageHandler): Handler;
  recentForm(handle: FormHandler): Handler;
}

/** Seconds for which a proof is enough to change what an account is protected by. */
const PROOF_AGE = 600;

export function createRequireSignIn(needs: RequireSignInNeeds): RequireSignIn {
  const { browserSessions, returnTo, csrf } = needs;
  const find = (ctx: Context) => findPresent(ctx, needs);

  const within =
    (handle: PageHandler, back?: string): Handler =>
    async (ctx) => {
      const signedIn = await find(ctx);
      if (signedIn) return handle(ctx, signedIn);
      const state = returnTo.write(back ?? ctx.path);
      return redirect(ctx, browserSessions.signInUrl({ state }));
    };

  const fresh =
    (handle: PageHandler): PageHandler =>
    async (ctx, signedIn) => {
      const missing = await missingProof(signedIn, needs);
      if (missing === undefined) return handle(ctx, signedIn);
      const state = returnTo.write(ctx.path);
      const loginHint = signedIn.account.email;
      const wish = { acr: missing, maxAge: PROOF_AGE, state, loginHint };
      return redirect(ctx, browserSessions.signInUrl(wish));
    };

  const withForm =
    (enter: (handle: PageHandler) => PageHandler, handle: FormHandler, back?: string): Handler =>
    async (ctx) => {
      const form = await readForm(ctx);
      const checked: PageHandler = (_, signedIn) => {
        csrf.assert(ctx, form, signedIn.session.uid);
        return enter((_, proved) => handle(ctx, proved, form))(ctx, signedIn);
      };
      return within(checked, back)(ctx);
    };

  return {
    find,
    page: (handle) => within(handle),
    form: (handle, back) => withForm((inner) => inner, handle, back),
    recentPage: (handle) => within(fresh(handle)),
    recentForm: (handle) => withForm(fresh, handle),
  };
}

/** The signed-in person, if the session is still good for the account pages. */
async function findPresent(ctx: Context, needs: RequireSignInNeeds): Promise<SignedIn | undefined> {
  const session = await needs.browserSessions.find(ctx);
  if (!session || needs.sessions.isIdle(session.seenAt)) return undefined;
  const account = await needs.accounts.find(session.accountId);
  if (account?.status !== 'active' || account.generation !== session.generation) return undefined;
  if (!mayComeFrom(account, currentRequest().address)) return undefined;
  // What became due after the sign-in is not skipped here either.
  if (needs.passwords.isDue(account, now()) || needs.mfa.isDue(account, now())) return undefined;
  noteInRequest({ actor: account.id });
  await needs.store.commit([needs.sessionTable.update(session.uid, { seenAt: now() })]);
  return { account, session };
}

/** What the person must prove before they may change anything; undefined: they have, just now. */
async function missingProof(
  { account, session }: SignedIn,
  needs: RequireSignInNeeds,
): Promise<Acr | undefined> {
  const { enrolled } = await stateOf(account.id, needs);
  const wanted = enrolled.length > 0 ? ACR.mfa : ACR.password;
  // As the library counts `max_age`: who comes from there must not be sent there again.
  const isRecent = nowSeconds() - session.provedAt <= PROOF_AGE;
  return isRecent && isAtLeast(session.acr, wanted) ? undefined : wanted;
}
