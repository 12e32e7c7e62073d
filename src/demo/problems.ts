// Turns whatever went wrong into a status and plain words for the error page.
import * as oidc from 'openid-client';

export interface Problem {
  readonly status: number;
  readonly message: string;
  readonly detail?: string;
}

const deniedMessages: Record<string, { status: number; message: string }> = {
  access_denied: { status: 400, message: 'You cancelled the sign-in.' },
  server_error: { status: 502, message: 'The provider had a problem of its own. Try again.' },
  temporarily_unavailable: { status: 503, message: 'The provider is busy. Try again in a moment.' },
};

export function problem(status: number, message: string, detail?: string): Error {
  const described: Problem =
    detail === undefined ? { status, message } : { status, message, detail };
  return Object.assign(new Error(message), { problem: described });
}

export function describeProblem(error: unknown, issuer: string): Problem {
  if (isProblem(error)) return error.problem;
  if (isUnreachable(error)) return unreachable(issuer);
  if (error instanceof oidc.AuthorizationResponseError) return denied(error);
  if (error instanceof oidc.WWWAuthenticateChallengeError) return wrongCredentials();
  if (error instanceof oidc.ResponseBodyError) return tokensRefused(error);
  if (error instanceof oidc.ClientError) return unusableAnswer(error, issuer);
  return { status: 500, message: 'Something went wrong in this app. Its log says more.' };
}

export function isGrantRefused(error: unknown): boolean {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant';
}

export function isUnreachable(error: unknown): boolean {
  // What fetch rejects with when the network fails; a caller's mistake has no cause.
  return error instanceof TypeError && error.cause instanceof Error;
}

function isProblem(error: unknown): error is Error & { problem: Problem } {
  return error instanceof Error && 'problem' in error;
}

function unreachable(issuer: string): Problem {
  return {
    status: 503,
    message: `The provider at ${issuer} does not answer.`,
    detail: 'Check that it is running, then try again.',
  };
}

function denied(error: oidc.AuthorizationResponseError): Problem {
  const words = deniedMessages[error.error] ?? {
    status: 400,
    message: 'The provider did not complete the sign-in.',
  };
  return { ...words, detail: oauthReason(error) };
}

function wrongCredentials(): Problem {
  return {
    status: 502,
    message: 'The provider does not accept this app.',
    detail: "Compare the app's client id and client secret with its registration there.",
  };
}

function tokensRefused(error: oidc.ResponseBodyError): Problem {
  if (error.error === 'invalid_client') return wrongCredentials();
  if (!isGrantRefused(error)) {
    return {
      status: 502,
      message: 'The provider refused to issue tokens.',
      detail: oauthReason(error),
    };
  }
  return {
    status: 400,
    message: 'What this app got from the provider is no longer valid. Sign in again.',
    detail: oauthReason(error),
  };
}

function unusableAnswer(error: oidc.ClientError, issuer: string): Problem {
  const { cause } = error;
  if (error.code === 'OAUTH_TIMEOUT') return unreachable(issuer);
  if (cause instanceof Response) {
    const detail = `It answered with status ${cause.status}.`;
    return { status: 503, message: `The provider at ${issuer} does not work properly.`, detail };
  }
  // Only the messages: deeper causes hold whole answers, tokens included.
  const detail = cause instanceof Error ? `${error.message}: ${cause.message}` : error.message;
  return { status: 502, message: "The provider's answer did not pass the checks.", detail };
}

function oauthReason(error: { error: string; error_description?: string | undefined }): string {
  const { error: code, error_description: description } = error;
  return (description === undefined ? code : `${code}: ${description}`).slice(0, 300);
}
