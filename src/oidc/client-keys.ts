// Keys that applications publish themselves: loaded anew when stale, and told of when they are not.
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
 * The library asks the client's address for keys again only when it knows none that fits: one that
 * was taken from there would count as long as this process lives.
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

/** Milliseconds. Anybody can send junk in a client's name: each would be one call to its host. */
const PAUSE = 5_000;

/** Whoever waits for the same call fails with it; so does who comes within the pause after it. */
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

/** The client itself reads no more than that it was not authenticated. */
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
