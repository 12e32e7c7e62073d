// Finds out where the provider's endpoints are, and asks again when that knowledge is old.
import { setTimeout as pause } from 'node:timers/promises';
import * as oidc from 'openid-client';
import { now } from '../lib/clock.ts';
import type { DemoOptions } from './options.ts';
import { isUnreachable } from './problems.ts';

export interface Discovery {
  cached(): Promise<oidc.Configuration>;
  fresh(): Promise<oidc.Configuration>;
}

const cacheMs = 60_000;
const timeoutSeconds = 10;
const retries = 2;
const retryPauseMs = 300;

export function createDiscovery(options: DemoOptions): Discovery {
  let known: { metadata: oidc.ServerMetadata; readAt: number } | undefined;

  async function fresh(): Promise<oidc.Configuration> {
    const metadata = await retried(() => readMetadata(options));
    known = { metadata, readAt: now() };
    return configure(options, metadata);
  }

  async function cached(): Promise<oidc.Configuration> {
    if (known === undefined || now() - known.readAt > cacheMs) return fresh();
    return configure(options, known.metadata);
  }

  return { cached, fresh };
}

async function readMetadata(options: DemoOptions): Promise<oidc.ServerMetadata> {
  const found = await oidc.discovery(
    new URL(options.issuer),
    options.clientId,
    undefined,
    undefined,
    {
      execute: isInsecure(options) ? [oidc.allowInsecureRequests] : [],
      timeout: timeoutSeconds,
    },
  );
  return found.serverMetadata();
}

// A configuration holds on to the keys it has read, so each use gets a new one and sees new keys.
function configure(options: DemoOptions, metadata: oidc.ServerMetadata): oidc.Configuration {
  const authentication = oidc.ClientSecretBasic(options.clientSecret);
  const configuration = new oidc.Configuration(metadata, options.clientId, {}, authentication);
  configuration.timeout = timeoutSeconds;
  if (isInsecure(options)) oidc.allowInsecureRequests(configuration);
  // Without this the library trusts the connection to the provider instead of the signature.
  oidc.enableNonRepudiationChecks(configuration);
  return configuration;
}

function isInsecure(options: DemoOptions): boolean {
  return new URL(options.issuer).protocol === 'http:';
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = retries; left > 0; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    await pause(retryPauseMs);
  }
  return attempt();
}
