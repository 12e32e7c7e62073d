// The storage of oidc-provider: one adapter for each of its models.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { SERVICE_ACCOUNT } from '../lib/ids.ts';
import { artifactAdapter } from './artifact-adapter.ts';
import type { ClientSource } from './clients.ts';
import { type InteractionAdapterNeeds, interactionAdapter } from './interaction-adapter.ts';
import { authenticatedClientOf, INTERNAL_REDIRECT_URI } from './internal-request.ts';
import { serviceAccountClient } from './service-account-client.ts';
import type { SessionSource } from './session-source.ts';

export interface AdapterNeeds extends InteractionAdapterNeeds {
  readonly clients: ClientSource;
  readonly sessions: SessionSource;
}

/** The factory that oidc-provider calls once for each of its models. */
export function createAdapterFactory(needs: AdapterNeeds): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return clientAdapter(needs);
    if (model === 'Session') return sessionAdapter(needs.sessions);
    if (model === 'Interaction') return interactionAdapter(needs);
    return artifactAdapter(model, needs);
  };
}

const refuse = async (): Promise<never> => {
  throw new Error('this model is not changed here');
};

function clientAdapter({ clients, current }: AdapterNeeds): Adapter {
  return {
    find: async (id) => {
      if (id.startsWith(SERVICE_ACCOUNT)) return serviceAccountClient(current(), id);
      const found = await clients.find(id);
      return found && id === authenticatedClientOf(current()) ? asAuthenticated(found) : found;
    },
    upsert: refuse,
    findByUserCode: refuse,
    findByUid: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}

/**
 * A client that has authenticated to us doesn't authenticate to oidc-provider again, which refuses
 * credentials registered beside `none`.
 */
function asAuthenticated(payload: AdapterPayload): AdapterPayload {
  const { client_secret: _secret, token_endpoint_auth_signing_alg: _alg, ...metadata } = payload;
  const refreshes = metadata.grant_types?.includes('refresh_token');
  const isPublic = metadata.token_endpoint_auth_method === 'none';
  return {
    rotate_refresh_tokens: isPublic,
    ...metadata,
    token_endpoint_auth_method: 'none',
    response_types: ['code'],
    redirect_uris: [INTERNAL_REDIRECT_URI],
    grant_types: ['authorization_code', ...(refreshes ? ['refresh_token'] : [])],
  };
}

function sessionAdapter(sessions: SessionSource): Adapter {
  return {
    find: (id) => sessions.findById(id),
    findByUid: (uid) => sessions.findByUid(uid),
    // The session model replaces save and destroy, and nothing else writes sessions.
    upsert: refuse,
    findByUserCode: refuse,
    consume: refuse,
    destroy: refuse,
    revokeByGrantId: refuse,
  };
}
