// The one list of methods: pages, commands and audit loop over it and name none of them.
import type { Method } from './method.ts';
import { createPasswordMethod, type PasswordNeeds } from './password/password.ts';

export type { Method };
export type MethodNeeds = PasswordNeeds;

/** In the order in which they are offered. */
export function createMethods(needs: MethodNeeds): readonly Method[] {
  return [createPasswordMethod(needs)] as readonly Method[];
}
