// Why a sign-in may not be resumed in this browser: for the page that says so.
import { isRecord } from '../lib/narrow.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Binding } from './browser-binding.ts';
import type { Ctx } from './types.ts';

export interface TurnedAway {
  readonly binding: Exclude<Binding, 'own'>;
  readonly clientId: string;
}

const TURNED_AWAY = perRequest<TurnedAway>('turned away');

/** @param params of the authorization request */
export function noteTurnedAway(ctx: Ctx, binding: Binding, params: unknown): void {
  if (binding === 'own') return;
  const clientId = String(isRecord(params) ? params.client_id : undefined);
  TURNED_AWAY.set(ctx, { binding, clientId });
}

export function turnedAwayOf(ctx: Ctx): TurnedAway | undefined {
  return TURNED_AWAY.get(ctx);
}
