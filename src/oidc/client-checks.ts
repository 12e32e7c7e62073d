// Which metadata a client may have: our own rules first, then those of oidc-provider.
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import { mistakeInRedirectUri } from '../domain/clients/redirect-uris.ts';
import { needsSecret, newSecret } from '../domain/clients/secrets.ts';
import { describeCause } from '../lib/causes.ts';
import { GatehouseError } from '../lib/errors.ts';
import { asError, textsOf } from '../lib/narrow.ts';
import { type ClientMetadata, forLibrary } from './clients.ts';
import { assertNotForAssertions } from './service-account-client.ts';

export interface CheckNeeds {
  readonly provider: () => Provider;
  /** The scopes about people, which are the only ones that oidc-provider knows. */
  readonly scopes: readonly string[];
}

export interface CheckedClient {
  readonly id: string;
  readonly metadata: ClientMetadata;
  /** The metadata before the change. */
  readonly before?: ClientMetadata;
}

/** Throws `invalid_input`, with oidc-provider's own words if it was the one to object. */
export async function assertValid(
  { id, metadata, before = {} }: CheckedClient,
  { provider, scopes }: CheckNeeds,
): Promise<void> {
  assertNotForAssertions(metadata);
  assertKeepsSecrets(metadata);
  assertRotates(metadata);
  assertReachable(metadata, before);
  const secret = needsSecret(metadata) ? { client_secret: newSecret() } : {};
  try {
    const full = forLibrary({ ...metadata, ...secret }, scopes);
    await provider().Client.validate({ ...full, client_id: id });
  } catch (error) {
    throw new GatehouseError('invalid_input', { message: describe(error), cause: error });
  }
}

export function invalid(message: string): GatehouseError {
  return new GatehouseError('invalid_input', { message });
}

/** RFC 6749, 4.4: a token for itself is worthless if anybody can get it. */
function assertKeepsSecrets(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, grant_types: grants } = metadata;
  if (method !== 'none' || !textsOf(grants).includes('client_credentials')) return;
  throw invalid('grant_types: client_credentials is not for a public client.');
}

/** RFC 9700, 2.2.2. */
function assertRotates(metadata: ClientMetadata): void {
  const { token_endpoint_auth_method: method, rotate_refresh_tokens: rotates } = metadata;
  if (method !== 'none' || rotates !== false || metadata.dpop_bound_access_tokens === true) return;
  throw invalid('rotate_refresh_tokens: refresh tokens of a public client rotate.');
}

const URIS = ['redirect_uris', 'post_logout_redirect_uris'] as const;

/** Checks new URIs only: an earlier release may have accepted the others. */
function assertReachable(metadata: ClientMetadata, before: ClientMetadata): void {
  for (const name of URIS) {
    const known = textsOf(before[name]);
    for (const uri of textsOf(metadata[name]).filter((each) => !known.includes(each))) {
      const mistake = mistakeInRedirectUri(uri);
      if (mistake) throw invalid(`${name}: "${uri}" ${mistake}.`);
    }
  }
}

/** The words of oidc-provider, and the cause if it had to ask a host and the call failed. */
function describe(error: unknown): string {
  const isOAuth = error instanceof errors.OIDCProviderError;
  const words = (isOAuth ? error.error_description : undefined) ?? asError(error).message;
  const { cause } = asError(error);
  const why = cause === undefined ? words : describeCause(cause);
  return words.includes(why) ? words : `${words}: ${why}`;
}
