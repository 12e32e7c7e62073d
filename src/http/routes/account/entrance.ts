// Who may come in to the account pages: whoever is signed in, and for changes has just proved it.
import type { Context } from 'koa';
import { mayComeFrom } from '../../../domain/account-addresses.ts';
import type { AccountsDomain } from '../../../domain/accounts.ts';
import { ACR, type Acr, isAtLeast } from '../../../domain/assurance.ts';
import type { Mfa } from '../../../domain/mfa.ts';
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import type { SessionsDomain } from '../../../domain/sessions.ts';
import { now, nowSeconds } from '../../../lib/clock.ts';
import { currentRequest, noteInRequest } from '../../../lib/request-context.ts';
import type { BrowserSession, BrowserSessions } from '../../../oidc/browser-sessions.ts';
import { type FactorNeeds, stateOf } from '../../../signin/factors.ts';
import type { Account } from '../../../store/accounts.ts';
import type { Sessions } from '../../../store/sessions.ts';
import type { Store } from '../../../store/store.ts';
import type { Csrf } from '../../csrf.ts';
import { type Form, readForm } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import type { Returns } from './returns.ts';

export interface EntranceNeeds extends FactorNeeds {
  readonly store: Store;
  readonly sessionTable: Sessions;
  readonly sessions: SessionsDomain;
  readonly browserSessions: BrowserSessions;
  readonly accounts: AccountsDomain;
  readonly passwords: PasswordPolicy;
  readonly mfa: Mfa;
  readonly csrf: Csrf;
  readonly returns: Returns;
}

/** The signed-in person of this browser. */
export interface Present {
  readonly account: Account;
  readonly session: BrowserSession;
}

type Handler = (ctx: Context) => Promise<void>;
export type PageHandler = (ctx: Context, present: Present) => void | Promise<void>;
export type FormHandler = (ctx: Context, present: Present, form: Form) => Promise<void>;

export interface Entrance {
  find(ctx: Context): Promise<Present | undefined>;
  /** Anybody else is asked to sign in, and comes back. */
  page(handle: PageHandler): Handler;
  /** @param back where a browser that must sign in first comes back to; the page of this address */
  form(handle: FormHandler, back?: string): Handler;
  /** For changes: who has not proved it of late does so first. */
  freshPage(handle: PageHandler): Handler;
  freshForm(handle: FormHandler): Handler;
}

/** Seconds for which a proof is enough to change what an account is protected by. */
const PROOF_AGE = 600;

export function createEntrance(needs: EntranceNeeds): Entrance {
  const { browserSessions, returns, csrf } = needs;
  const find = (ctx: Context) => findPresent(ctx, needs);

  const within =
    (handle: PageHandler, back?: string): Handler =>
    async (ctx) => {
      const present = await find(ctx);
      if (present) return handle(ctx, present);
      const state = returns.write(back ?? ctx.path);
      return redirect(ctx, browserSessions.signInUrl({ state }));
    };

  const fresh =
    (handle: PageHandler): PageHandler =>
    async (ctx, present) => {
      const missing = await missingProof(present, needs);
      if (missing === undefined) return handle(ctx, present);
      const state = returns.write(ctx.path);
      const loginHint = present.account.email;
      const wish = { acr: missing, maxAge: PROOF_AGE, state, loginHint };
      return redirect(ctx, browserSessions.signInUrl(wish));
    };

  const withForm =
    (enter: (handle: PageHandler) => PageHandler, handle: FormHandler, back?: string): Handler =>
    async (ctx) => {
      const form = await readForm(ctx);
      const checked: PageHandler = (_, present) => {
        csrf.assert(ctx, form, present.session.uid);
        return enter((_, proved) => handle(ctx, proved, form))(ctx, present);
      };
      return within(checked, back)(ctx);
    };

  return {
    find,
    page: (handle) => within(handle),
    form: (handle, back) => withForm((inner) => inner, handle, back),
    freshPage: (handle) => within(fresh(handle)),
    freshForm: (handle) => withForm(fresh, handle),
  };
}

/** The signed-in person, if the session is still good for the account pages. */
async function findPresent(ctx: Context, needs: EntranceNeeds): Promise<Present | undefined> {
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
  { account, session }: Present,
  needs: EntranceNeeds,
): Promise<Acr | undefined> {
  const { enrolled } = await stateOf(account.id, needs);
  const wanted = enrolled.length > 0 ? ACR.mfa : ACR.password;
  // As the library counts `max_age`: who comes from there must not be sent there again.
  const isRecent = nowSeconds() - session.provedAt <= PROOF_AGE;
  return isRecent && isAtLeast(session.acr, wanted) ? undefined : wanted;
}
