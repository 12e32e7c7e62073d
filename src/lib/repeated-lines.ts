// Keeps what happens a thousand times from becoming a thousand log lines.
import { describeCause } from './causes.ts';
import { elapsed } from './clock.ts';
import { isGatehouseError } from './errors.ts';
import type { Log } from './log.ts';
import { withRequest } from './request-context.ts';

export interface RepeatedLines {
  /**
   * For a state that lasts, such as a database that does not answer: the first time is written,
   * then a count every few seconds, and a last line once it has not happened for that long.
   */
  state(what: string, write: () => void): void;
  /** For single events: so many lines every few seconds, then the number of those left out. */
  event(what: string, write: () => void, most: number): void;
  /** What otherwise happens every few seconds. */
  tick(): void;
}

interface State {
  readonly since: number;
  total: number;
  recent: number;
}

interface Events {
  count: number;
  readonly most: number;
}

const EVERY = 10_000;
/** So many different events are told apart; whoever makes up more of them makes no more lines. */
const MOST_KINDS = 5_000;
const MOST_STATES = 100;
const OTHERS = 'others';

export function createRepeatedLines(log: Log, every = EVERY): RepeatedLines {
  const states = new Map<string, State>();
  const events = new Map<string, Events>();
  let timer: NodeJS.Timeout | undefined;

  const tick = () => {
    for (const [what, state] of states) if (!goesOn(what, state, log)) states.delete(what);
    for (const [what, { count, most }] of events) {
      if (count > most) log.info({ what, left_out: count - most }, 'similar lines were left out');
    }
    events.clear();
    if (states.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };

  const begin = () => {
    // What is counted belongs to no request, though one of them begins it.
    timer ??= withRequest({}, () => setInterval(tick, every).unref());
  };

  return {
    tick,
    state: (each, write) => {
      const what = states.has(each) || states.size < MOST_STATES ? each : OTHERS;
      const known = states.get(what);
      if (known) {
        known.total += 1;
        known.recent += 1;
        return;
      }
      states.set(what, { since: elapsed(), total: 1, recent: 1 });
      begin();
      write();
    },
    event: (what, write, most) => {
      const key = events.has(what) || events.size < MOST_KINDS ? what : OTHERS;
      const known = events.get(key) ?? { count: 0, most };
      known.count += 1;
      events.set(key, known);
      begin();
      if (known.count <= most) write();
    },
  };
}

/** The first tick after a line may come at once: the line itself is not counted twice. */
function goesOn(what: string, state: State, log: Log): boolean {
  const { since, total, recent } = state;
  const seconds = Math.round((elapsed() - since) / 1000);
  state.recent = 0;
  if (recent === 0) log.info({ what, times: total, seconds }, 'this has ended');
  else if (total > 1) log.warn({ what, times: total, seconds }, 'still happening');
  return recent > 0;
}

const all = new WeakMap<Log, RepeatedLines>();

/** The one of a log. */
export function repeatedLines(log: Log): RepeatedLines {
  const lines = all.get(log) ?? createRepeatedLines(log);
  all.set(log, lines);
  return lines;
}

const LONGEST = 120;

/**
 * What goes wrong again and again until somebody or something mends it. A database that does not
 * answer, for one cause, is one state, wherever it is noticed.
 */
export function logFailure(log: Log, error: unknown, words: string): void {
  const isAway = isGatehouseError(error, 'store_unavailable');
  const err = isAway ? (error.cause ?? error) : error;
  const what = isAway ? `${error.code}: ${describeCause(err)}` : words;
  const message = isAway ? error.message : words;
  repeatedLines(log).state(what.slice(0, LONGEST), () => log.error({ err }, message));
}
