// The parts of oidc-provider that we hold on to beyond its published types.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { scopeOf } from '../domain/attributes/attributes.ts';
import type { ClientAssertionAudience } from '../domain/clients/assertion-audience.ts';
import type { SessionClient, SessionOrigin } from '../store/sessions.ts';

export type Ctx = KoaContextWithOIDC;

/** What `finish` leaves in the interaction for the resumed request. */
export interface LoginResult {
  readonly accountId: string;
  readonly acr: string;
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

export interface Result {
  readonly login?: LoginResult;
  readonly consent?: Record<string, never>;
  readonly select_account?: Record<string, never>;
  readonly error?: string;
  readonly error_description?: string;
}

export interface InteractionModel {
  readonly uid: string;
  readonly jti: string;
  readonly kind: string;
  readonly returnTo: string;
  readonly exp: number;
  readonly params: Readonly<Record<string, unknown>>;
  prompt: { name: string; reasons: string[]; details: Record<string, unknown> };
  result?: Result | undefined;
  session?: { accountId?: string; uid?: string } | undefined;
  readonly lastSubmission?: Result;
  readonly deviceCode?: string;
  readonly parJti?: string;
  /** Seconds. */
  readonly iat: number;
  /** Keyed hash of the cookie of the browser that it belongs to. */
  readonly browserKey?: string;
  /** Set once the browser has begun too many others. */
  readonly consumed?: number;
  /** The browser had no cookie when it began, or one made a moment before. */
  readonly newBrowser?: boolean;
}

/** What was in the store when the session was loaded. */
export interface LoadedSession {
  readonly key: string;
  /** Found by the identifier that another request has replaced a moment ago. */
  readonly isReplaced: boolean;
  readonly state: string | undefined;
  readonly clients: ReadonlyMap<string, SessionClient>;
}

export interface Authorization {
  sid?: string;
  grantId?: string;
  persistsLogout?: boolean;
}

export interface SessionModel {
  uid: string;
  jti: string;
  oldId?: string;
  accountId?: string;
  loginTs?: number;
  acr?: string;
  amr?: string[];
  state?: unknown;
  authorizations?: Record<string, Authorization>;
  /** Seconds. */
  exp?: number;
  /** Milliseconds. */
  seenAt?: number;
  generation?: number;
  /** Of a sign-in that ended in this very request. */
  origin?: SessionOrigin;
  loaded?: LoadedSession;
  /** A sign-in ended in this very request. */
  signedIn?: boolean;
  /** And it began with a password: what the session lent to a step-up prolongs nothing. */
  renewed?: boolean;
  touched?: boolean;
  destroyed?: boolean;
  authorizationFor(clientId: string, create?: boolean): Authorization;
}

/** Metadata of ours that clients carry beside the registered names. */
export interface ClientExtras {
  readonly first_party?: boolean;
  readonly require_pkce?: boolean;
  readonly require_acr?: string;
  /** Only people with this role may use it. */
  readonly require_role?: string;
  /** `false`: a trusted device does not stand in for the second factor. */
  readonly trusted_devices?: boolean;
  /** A public client that may sign people in without pages. */
  readonly direct_sign_in?: boolean;
  /** Undefined: only those of public clients that no key is bound to are replaced at each use. */
  readonly rotate_refresh_tokens?: boolean;
  /** Its ID tokens say who and how, and what the `claims` parameter names for them. */
  readonly minimal_id_token?: boolean;
  /** What it calls the claim `roles`. */
  readonly roles_claim?: string;
  /** What it calls the claim `groups`. */
  readonly groups_claim?: string;
  readonly allowed_scopes?: string;
  /** The only ones it may name; undefined: none for a third party, any for one of ours. */
  readonly resources?: readonly string[];
  readonly client_assertion_audience?: ClientAssertionAudience;
  /** Ranges that its own calls come from; none: any. */
  readonly allowed_addresses?: readonly string[];
  /** Set by us: no metadata that anybody registers. */
  readonly disabled?: boolean;
}

export function mayAskFor({ allowed_scopes: allowed }: ClientExtras, scope: string): boolean {
  return allowed?.split(' ').includes(scope) ?? true;
}

/** A claim comes with its scope: a client that may not ask for the scope may not ask for the claim. */
export function mayAskForClaim(
  client: ClientExtras,
  claim: string,
  config: Pick<Config, 'attributes'>,
): boolean {
  const scope = scopeOf(config, claim);
  return scope !== undefined && (scope === 'openid' || mayAskFor(client, scope));
}

/** The library's own context of the request that is being answered, if it is in its hands. */
export type CurrentContext = () => Ctx | undefined;
