// Keys that applications publish at an address: reloaded when stale, with failures logged and
// audited.
import type Provider from 'oidc-provider';
import type { Audit } from '../domain/audit/audit.ts';
import { describeCause } from '../lib/causes.ts';
import { now } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { ClientModel, CurrentContext } from './types.ts';

export interface ClientKeyNeeds {
  readonly audit: Audit;
  readonly log: Log;
  readonly current: CurrentContext;
}

/**
 * Forgets stale keys. oidc-provider only reloads keys if none that it knows fits, so a key that was
 * removed from the address would keep working as long as this process runs.
 */
export function installClientKeys(provider: Provider, needs: ClientKeyNeeds): void {
  const Model = provider.Client;
  const find = Model.find;
  const known = new WeakSet<ClientModel>();
  Model.find = async (id) => {
    const client = await find.call(Model, id);
    if (!client?.jwksUri) return client;
    if (!known.has(client)) tellFailures(client, needs);
    known.add(client);
    if (client.asymmetricKeyStore.stale()) client.asymmetricKeyStore.clear();
    return client;
  };
}

/** Milliseconds. Anybody can send junk in a client's name, and each attempt would call its host. */
const PAUSE = 5_000;

/**
 * Shares one call, and one failure, between requests that come while it runs or within the pause
 * after it.
 */
function tellFailures(client: ClientModel, needs: ClientKeyNeeds): void {
  const { asymmetricKeyStore: keys } = client;
  const load = keys.refresh.bind(keys);
  let underWay: Promise<void> | undefined;
  let failed: { readonly at: number; readonly error: unknown } | undefined;

  const loadOnce = async (): Promise<void> => {
    try {
      await load();
      failed = undefined;
    } catch (error) {
      failed = { at: now(), error };
      await recordFailure(client, error, needs);
      throw error;
    }
  };
  keys.refresh = async () => {
    if (failed && Math.abs(now() - failed.at) < PAUSE) throw failed.error;
    underWay ??= loadOnce().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

/** The client only learns that it wasn't authenticated. */
async function recordFailure({ clientId }: ClientModel, error: unknown, needs: ClientKeyNeeds) {
  const { audit, log, current } = needs;
  const cause = (error instanceof Error ? error.cause : undefined) ?? error;
  log.warn({ err: cause, client: clientId }, 'the keys of a client could not be loaded');
  const detail = { endpoint: current()?.oidc.route, cause: describeCause(error) };
  const refused = {
    kind: 'client.refused',
    outcome: 'refused',
    reason: 'keys not loaded',
  } as const;
  await audit.fold({ ...refused, clientId, detail });
}
