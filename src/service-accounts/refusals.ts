// What operators are told when something about a service account cannot be.
import { GatehouseError } from '../lib/errors.ts';

export function refusal(message: string, cause?: unknown): GatehouseError {
  return new GatehouseError('invalid_input', { message, cause });
}
