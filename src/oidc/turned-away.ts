// Why a sign-in may not be resumed in this browser: for the page that says so.
import type { Context } from 'koa';
import type { Binding } from './browser-binding.ts';

export interface TurnedAway {
  readonly binding: Exclude<Binding, 'own'>;
  readonly clientId: string;
}

const TURNED_AWAY = Symbol('turned away');
type Carrier = { [TURNED_AWAY]?: TurnedAway };

export function noteTurnedAway(
  ctx: Pick<Context, 'state'>,
  binding: Binding,
  params: unknown,
): void {
  if (binding === 'own') return;
  const clientId = String((params as { client_id?: unknown } | undefined)?.client_id);
  (ctx.state as Carrier)[TURNED_AWAY] = { binding, clientId };
}

export function turnedAwayOf(ctx: Pick<Context, 'state'>): TurnedAway | undefined {
  return (ctx.state as Carrier)[TURNED_AWAY];
}
