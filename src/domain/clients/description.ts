// A client wherever it is printed: in the names of OpenID Dynamic Registration, without a secret.
import { now, toIso } from '../../lib/clock.ts';
import type { StoredClient } from '../../store/clients.ts';
import { liveSecrets, needsSecret } from './secrets.ts';

export function describeClient(client: StoredClient): Record<string, unknown> {
  const { id, metadata, disabledAt, createdAt } = client;
  return {
    client_id: id,
    ...metadata,
    status: disabledAt === undefined ? 'active' : 'disabled',
    ...(needsSecret(metadata) ? { secrets: secretsOf(client) } : {}),
    created_at: toIso(createdAt),
  };
}

/** When each of those that work was made and ends. */
function secretsOf(client: StoredClient) {
  return liveSecrets(client, now()).map(({ createdAt, expiresAt }) => ({
    created_at: toIso(createdAt),
    expires_at: expiresAt === undefined ? null : toIso(expiresAt),
  }));
}
