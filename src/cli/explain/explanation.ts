// What an explanation consists of, whoever it is about.
import type { AuditRow } from '../../domain/audit/audit.ts';
import type { Closed } from '../../domain/limits/limits.ts';
import { toIso } from '../../lib/clock.ts';

export interface Explanation {
  /** Printed with `--json`, before the events. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Printed without, before the events. */
  readonly lines: readonly string[];
  /** Oldest first. */
  readonly events: readonly AuditRow[];
}

/** How many events of an account. */
export const NEWEST = 20;

export function limitJson(closed: Closed) {
  return { ...closed, until: closed.until === undefined ? null : toIso(closed.until) };
}
