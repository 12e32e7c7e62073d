// Types of oidc-provider beyond its published ones, and the fields that we add to its models.
import type { Context } from 'koa';
import type {
  Account,
  AdapterPayload,
  Client,
  Grant,
  Interaction,
  InteractionResults,
  KoaContextWithOIDC,
  Session,
} from 'oidc-provider';
import type { Acr } from '../domain/sessions/assurance.ts';
import { textOf } from '../lib/narrow.ts';
import type { SessionClient, SessionOrigin } from '../store/sessions.ts';
import type { ClientExtras } from './client-extras.ts';

export type Ctx = KoaContextWithOIDC;

// oidc-provider's models, by names that don't clash with our own `Account` and `Session`.
export type ClientModel = Client;
export type GrantModel = Grant;
export type InteractionModel = Interaction;
export type SessionModel = Session;

declare module 'oidc-provider' {
  interface AdapterPayload {
    browserKey?: string | undefined;
    generation?: number | undefined;
    loaded?: LoadedSession | undefined;
  }

  interface AuthorizationCode extends StoredModel {}

  interface Claims {
    readonly client?: Client;
  }

  interface Client extends ClientExtras {
    readonly asymmetricKeyStore: ClientKeyStore;
    backchannelLogout(sub: string, sid: string): Promise<void>;
  }

  interface Grant extends StoredModel {
    generation?: number | undefined;
  }

  interface Interaction {
    readonly parJti?: string;
    /** Keyed hash of the cookie of the browser that it belongs to. */
    readonly browserKey?: string;
    /** Set once the browser started too many others. */
    readonly consumed?: number;
    /** The browser had no cookie when it started, or one made a moment before. */
    readonly newBrowser?: boolean;
  }

  interface Session {
    readonly id: string;
    oldId?: string;
    touched?: boolean;
    destroyed?: boolean;
    /** Milliseconds. */
    seenAt?: number;
    generation?: number | undefined;
    /** Where somebody signed in during this request. */
    origin?: SessionOrigin;
    loaded?: LoadedSession;
    /** Somebody signed in during this request. */
    signedIn?: boolean;
    /**
     * That sign-in included a password. A step-up, which reuses the session's, doesn't prolong the
     * session.
     */
    renewed?: boolean;
    /** @param create makes the entry unless it exists */
    authorizationFor(clientId: string, create: true): ClientAuthorizationState;
  }
}

/** An account, as `findAccount` returns it. */
export interface AccountModel extends Account {
  /** Compared with the session's. */
  readonly generation: number;
  /** Its password may not meet the current policy, so a sign-in must check it. */
  readonly passwordDue: boolean;
  /** Its grace period is over, and it has no second factor. */
  readonly enrolmentDue: boolean;
  /** It may not be used from the network of this request. */
  readonly addressRefused: boolean;
  /** Whether it may use an application that requires this role, or none. */
  hasRole(role: string | undefined): boolean;
  /** Whether a `login_hint` means this account: its email, in any spelling, or its id. */
  isNamed(hint: string): boolean;
}

/** What a model needs to be stored by us. */
interface StoredModel {
  generateTokenId(): string;
  getValueAndPayload(): Promise<{ readonly payload: AdapterPayload }>;
}

export interface ClientKeyStore {
  stale(): boolean;
  clear(): void;
  /** Loads the keys if they are stale. */
  refresh(): Promise<void>;
}

/** The sign-in that `finish` leaves in the interaction for the resumed request. */
export interface LoginResult {
  readonly accountId: string;
  readonly acr: Acr;
  readonly amr: readonly string[];
  /** Seconds. */
  readonly ts: number;
  /** The account's generation when the password was proved. */
  readonly generation: number;
  /** The password was proved in this sign-in. */
  readonly renews: boolean;
  /** The sign-in's row, so that what it leads to can be traced. */
  readonly flow: string;
}

/** The sign-in in an interaction's result. */
export function loginIn(results: InteractionResults | undefined): LoginResult | undefined {
  // Only `finish` writes a login, and it writes all these fields.
  return results?.login as LoginResult | undefined;
}

/** What the store contained when the session was loaded. */
export interface LoadedSession {
  readonly key: string;
  /** Found by an identifier that another request has just replaced. */
  readonly isReplaced: boolean;
  readonly state: string | undefined;
  readonly clients: ReadonlyMap<string, SessionClient>;
}

/** oidc-provider's part of a request's context. Undefined until it starts to answer the request. */
export function oidcOf(ctx: Context): Ctx['oidc'] | undefined {
  return ctx.oidc;
}

export function isWithLibrary<C extends Context>(ctx: C): ctx is C & Ctx {
  return oidcOf(ctx) !== undefined;
}

/** The uid in the path of a resumed sign-in or device request. */
export function uidIn(ctx: Context | Ctx): string | undefined {
  return textOf(ctx.params?.uid);
}

export function accountIn({ oidc }: Ctx): AccountModel | undefined {
  // Every account comes from `findAccount`.
  return oidc.account as AccountModel | undefined;
}

/** Throws if the request has no client. */
export function clientIn({ oidc }: Ctx): ClientModel {
  if (oidc.client) return oidc.client;
  throw new Error('the request has no client');
}

/** Throws if the request has no session. */
export function sessionIn({ oidc }: Ctx): SessionModel {
  if (oidc.session) return oidc.session;
  throw new Error('the request has no session');
}

export function scopeIn({ oidc }: Ctx): string | undefined {
  return textOf(oidc.params?.scope);
}

/** The context of the request that oidc-provider is answering, if any. */
export type CurrentContext = () => Ctx | undefined;
