// The pages that replace every page of oidc-provider's own.
import type { Context } from 'koa';
import type { Limited } from '../../domain/limits/attempt.ts';
import type { ClientOnPage } from './client-on-page.ts';

export interface OAuthProblem {
  readonly error: string;
  readonly error_description?: string | undefined;
}

/** Implemented where HTML is made. Each sets the body of `ctx`. */
export interface ProviderPages {
  error(ctx: Context, problem: OAuthProblem, cause?: unknown): Promise<void>;
  /** The client that asks is disabled. */
  switchedOff(ctx: Context): Promise<void>;
  /** The authorization request can't continue: it expired, or its session ended. */
  expired(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  /** The browser started too many other sign-ins, so this one was given up. */
  givenUp(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  /** The sign-in started in another browser, or this one dropped the cookie. */
  cookiesNeeded(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  confirmSignOut(ctx: Context, page: ConfirmSignOut): Promise<void>;
  signedOut(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  deviceCode(ctx: Context, page: DeviceCodePage): Promise<void>;
  deviceConfirm(ctx: Context, page: DeviceConfirmPage): Promise<void>;
  deviceDone(ctx: Context, client: ClientOnPage | undefined): Promise<void>;
  formPost(ctx: Context, page: FormPostPage): Promise<void>;
}

export interface ConfirmSignOut {
  readonly action: string;
  readonly xsrf: string;
  readonly client: ClientOnPage | undefined;
  readonly accountId: string | undefined;
  /** Where `Stay signed in` leads. */
  readonly stay: string;
}

export interface DeviceCodePage {
  readonly action: string;
  /** The `uid` of the session that the form belongs to. */
  readonly session: string;
  readonly xsrf: string;
  readonly userCode: string | undefined;
  readonly problem: DeviceProblem | Limited | undefined;
}

export type DeviceProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'aborted';

export interface DeviceConfirmPage {
  readonly action: string;
  readonly session: string;
  readonly userCode: string;
  readonly client: ClientOnPage;
}

export interface FormPostPage {
  readonly action: string;
  readonly fields: ReadonlyArray<{ readonly name: string; readonly value: string }>;
  readonly client: ClientOnPage | undefined;
}
