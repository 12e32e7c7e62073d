// What a client's metadata becomes when it is registered or changed.
import { normalRange } from '../lib/addresses.ts';
import type { ClientMetadata } from './clients.ts';

/** @param change replaces what it names; null removes a value */
export function merged(before: ClientMetadata, change: ClientMetadata): ClientMetadata {
  const named = { ...before, ...change };
  // This flag is meaningless without the URI.
  if (named.backchannel_logout_uri === null) named.backchannel_logout_session_required = null;
  const kept = Object.entries(named).filter(([, value]) => value !== null && value !== undefined);
  return withDefaults(Object.fromEntries(kept));
}

export function withDefaults(metadata: ClientMetadata): ClientMetadata {
  const { backchannel_logout_uri: logout, allowed_addresses: ranges } = metadata;
  return {
    ...(logout ? { backchannel_logout_session_required: true } : {}),
    ...metadata,
    ...(Array.isArray(ranges) ? { allowed_addresses: ranges.map(inOneSpelling) } : {}),
  };
}

/** Returns what isn't a range unchanged: the check that follows refuses it. */
const inOneSpelling = (range: unknown) => normalRange(String(range)) ?? range;

export function changedNames(before: ClientMetadata, after: ClientMetadata): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const isOther = (name: string) => JSON.stringify(before[name]) !== JSON.stringify(after[name]);
  return names.filter(isOther).sort();
}
