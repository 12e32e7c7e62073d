// Why this browser may not resume a sign-in: noted where the row is read, told by the page.
import { isRecord } from '../lib/narrow.ts';
import { perRequest } from '../lib/per-request.ts';
import type { Binding } from './browser-binding.ts';
import type { Ctx } from './types.ts';

export interface BindingRejection {
  readonly binding: Exclude<Binding, 'own'>;
  readonly clientId: string;
}

const REJECTION = perRequest<BindingRejection>('binding rejection');

/** @param params of the authorization request */
export function noteBindingRejection(
  ctx: Ctx,
  binding: BindingRejection['binding'],
  params: unknown,
): void {
  const clientId = String(isRecord(params) ? params.client_id : undefined);
  REJECTION.set(ctx, { binding, clientId });
}

export function bindingRejectionOf(ctx: Ctx): BindingRejection | undefined {
  return REJECTION.get(ctx);
}
