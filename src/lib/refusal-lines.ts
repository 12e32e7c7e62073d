// One short line for a refused request, and from one range no more of a kind than anybody can read.
import { rangeOf } from './addresses.ts';
import type { Log } from './log.ts';
import { repeatedLines } from './repeated-lines.ts';
import { currentRequest } from './request-context.ts';

const RANGE = { ipv4: 24, ipv6: 48 };
/** In ten seconds. */
const MOST = 30;

interface Line {
  readonly level?: 'info' | 'warn';
  /** What it is counted under: nothing that somebody has sent. */
  readonly what: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly words: string;
}

export function logRefusal(log: Log, { level = 'info', what, fields, words }: Line): void {
  const range = rangeOf(currentRequest().address ?? 'nowhere', RANGE);
  repeatedLines(log).event(`${what} from ${range}`, () => log[level](fields, words), MOST);
}
