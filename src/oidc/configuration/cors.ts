// Which origins browsers may call the protocol's endpoints from.
import type { ClientModel } from '../types.ts';

/** The origins that the client's answers go to anyway. */
export function isClientOrigin(_ctx: unknown, origin: string, client: ClientModel): boolean {
  // Installed applications have no origin and sandboxed pages send `null`: neither identifies anyone.
  if (origin === 'null') return false;
  return (client.redirectUris ?? []).some((uri) => URL.parse(uri)?.origin === origin);
}
