// Keeps the demo app's sessions in memory, limited in number and age.
import { now } from '../lib/clock.ts';
import { randomId } from '../lib/ids.ts';
import type { Pending, SignedIn } from './provider.ts';

export interface Session {
  readonly csrf: string;
  pending?: Pending | undefined;
  signedIn?: SignedIn | undefined;
  refreshing?: Promise<SignedIn> | undefined;
}

export interface Sessions {
  start(): { id: string; session: Session };
  find(id: string | undefined): Session | undefined;
  end(id: string | undefined): void;
}

const maximum = 1000;
const lifetimeMs = 60 * 60 * 1000;
const secretBits = 256;

export function createSessions(): Sessions {
  const entries = new Map<string, { session: Session; expiresAt: number }>();

  function makeRoom(): void {
    // All live equally long, so the map's insertion order is the order of expiry.
    for (const [id, { expiresAt }] of entries) {
      if (expiresAt > now() && entries.size < maximum) break;
      entries.delete(id);
    }
  }

  return {
    start() {
      makeRoom();
      const id = randomId(secretBits);
      const session: Session = { csrf: randomId(secretBits) };
      entries.set(id, { session, expiresAt: now() + lifetimeMs });
      return { id, session };
    },
    find(id) {
      const entry = id === undefined ? undefined : entries.get(id);
      return entry !== undefined && entry.expiresAt > now() ? entry.session : undefined;
    },
    end(id) {
      if (id !== undefined) entries.delete(id);
    },
  };
}
