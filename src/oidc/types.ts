// What oidc-provider has beyond its published types, and what we add to its models.
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

// The library's models under names that leave `Account`, `Session` and the like to our own.
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
    /** Set once the browser has begun too many others. */
    readonly consumed?: number;
    /** The browser had no cookie when it began, or one made a moment before. */
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
    /** Of a sign-in that ended in this very request. */
    origin?: SessionOrigin;
    loaded?: LoadedSession;
    /** A sign-in ended in this very request. */
    signedIn?: boolean;
    /** And it began with a password: what the session lent to a step-up prolongs nothing. */
    renewed?: boolean;
    /** @param create makes the entry unless there is one */
    authorizationFor(clientId: string, create: true): ClientAuthorizationState;
  }
}

/** An account as `findAccount` makes it. */
export interface AccountModel extends Account {
  /** Our Checks compare it with the session's. */
  readonly generation: number;
  /** Its password is not known to meet the policy in force: it must be seen at a sign-in. */
  readonly passwordDue: boolean;
  /** Its grace is over, and it has no second factor. */
  readonly enrolmentDue: boolean;
  /** It is not used from the network that this request comes from. */
  readonly addressRefused: boolean;
  /** Whether it may use an application that requires this role, or none. */
  hasRole(role: string | undefined): boolean;
  /** Whether a `login_hint` means this account: its email, in any spelling, or its id. */
  isNamed(hint: string): boolean;
}

/** What every model can do to be stored. */
interface StoredModel {
  generateTokenId(): string;
  getValueAndPayload(): Promise<{ readonly payload: AdapterPayload }>;
}

export interface ClientKeyStore {
  stale(): boolean;
  clear(): void;
  /** Loads the keys where they are stale. */
  refresh(): Promise<void>;
}

/** What `finish` leaves in the interaction for the resumed request. */
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
  /** The row of the sign-in, so that what it brings can be traced back to it. */
  readonly flow: string;
}

/** The sign-in among what an interaction was answered with. */
export function loginIn(results: InteractionResults | undefined): LoginResult | undefined {
  // `finish` writes these fields, and nothing else writes a login.
  return results?.login as LoginResult | undefined;
}

/** What was in the store when the session was loaded. */
export interface LoadedSession {
  readonly key: string;
  /** Found by the identifier that another request has replaced a moment ago. */
  readonly isReplaced: boolean;
  readonly state: string | undefined;
  readonly clients: ReadonlyMap<string, SessionClient>;
}

/**
 * The library's part of a request's context: undefined for a request that it does not answer, or has
 * not begun with.
 */
export function oidcOf(ctx: Context): Ctx['oidc'] | undefined {
  return ctx.oidc;
}

export function isWithLibrary<C extends Context>(ctx: C): ctx is C & Ctx {
  return oidcOf(ctx) !== undefined;
}

/** The id of the sign-in or device request in a route of the library. */
export function uidIn(ctx: Context | Ctx): string | undefined {
  return textOf(ctx.params?.uid);
}

export function accountIn({ oidc }: Ctx): AccountModel | undefined {
  // `findAccount` makes every account that the library has.
  return oidc.account as AccountModel | undefined;
}

/** Throws where no client asks: only for requests that the library has found one for. */
export function clientIn({ oidc }: Ctx): ClientModel {
  if (oidc.client) return oidc.client;
  throw new Error('the request has no client');
}

/** Throws where the request has no session: only for routes with which the library loads one. */
export function sessionIn({ oidc }: Ctx): SessionModel {
  if (oidc.session) return oidc.session;
  throw new Error('the request has no session');
}

export function scopeIn({ oidc }: Ctx): string | undefined {
  return textOf(oidc.params?.scope);
}

/** The library's own context of the request that is being answered, if it is in its hands. */
export type CurrentContext = () => Ctx | undefined;
