// Every intention and its answer. Whoever got no answer does not know: that is an outcome, too.
import { createHash } from 'node:crypto';
import { machineTime } from '../src/lib/clock.ts';

export type Outcome = 'done' | 'refused' | 'unknown';

export interface Intention {
  /** `refresh`, `code`, `sign-in`, `suspend`, … */
  readonly act: string;
  /** What it is done with or to; secrets by `nameOf`. */
  readonly subject: string;
  /** What works once is used up by this act. */
  readonly once?: boolean;
  /** The person whose act it is: the `sub` of whatever token it brings. */
  readonly account?: string;
  /** What must not have ended for this to succeed. */
  readonly needs?: readonly string[];
  /** What ends with it, once it is acknowledged. */
  readonly ends?: readonly string[];
  /** What may work again from its beginning on. */
  readonly begins?: readonly string[];
  /** The kind of event that the audit must have of it. */
  readonly audit?: string;
  readonly node?: string;
}

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers?: Headers;
}

export interface Entry extends Intention {
  readonly from: number;
  readonly until: number;
  readonly outcome: Outcome;
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly error: string | undefined;
  /** The name of the refresh token that it brought. */
  readonly brought: string | undefined;
  readonly sub: string | undefined;
}

export interface Recovery {
  /** Milliseconds. */
  readonly usual: number;
  readonly after: number;
  /** Until the first answer that was as quick as usual, in seconds. */
  readonly seconds: number;
}

export interface Journal {
  readonly entries: readonly Entry[];
  readonly recoveries: readonly Recovery[];
  /** What an experiment saw that must not be, in its own words. */
  readonly broken: readonly string[];
  run<T extends Answer>(
    intention: Intention,
    send: () => Promise<T>,
    judge?: (answer: T) => Outcome,
  ): Promise<{ outcome: Outcome; answer: T | undefined }>;
  recovered(recovery: Recovery): void;
  breaks(what: string): void;
}

const PATIENCE = 60_000;

export function nameOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url').slice(0, 12);
}

export function createJournal(): Journal {
  const entries: Entry[] = [];
  const recoveries: Recovery[] = [];
  const broken: string[] = [];
  return {
    entries,
    recoveries,
    broken,
    recovered: (recovery) => recoveries.push(recovery),
    breaks: (what) => broken.push(what),
    run: async (intention, send, judge = judged) => {
      const from = machineTime();
      const found = await answerOf(send);
      const answer = typeof found === 'string' ? undefined : found;
      const outcome = answer ? judge(answer) : 'unknown';
      const error = typeof found === 'string' ? found : undefined;
      entries.push({ ...intention, ...seen(answer), from, until: machineTime(), outcome, error });
      return { outcome, answer };
    },
  };
}

function seen(answer: Answer | undefined) {
  const { refreshToken, refresh_token: refresh = refreshToken, id_token: id } = answer?.body ?? {};
  return {
    status: answer?.status,
    retryAfter: answer?.headers?.get('retry-after') ?? undefined,
    brought: typeof refresh === 'string' ? nameOf(refresh) : undefined,
    sub: typeof id === 'string' ? subOf(id) : undefined,
  };
}

function subOf(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sub;
}

/** @returns what went wrong as text */
async function answerOf<T>(send: () => Promise<T>): Promise<T | string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('no answer'), PATIENCE);
  });
  try {
    return await Promise.race([send(), late]);
  } catch (error) {
    return String((error as Error).cause ?? error);
  } finally {
    clearTimeout(timer);
  }
}

/** A 503 may come after the commit: whoever reads it does not know either. */
function judged({ status }: Answer): Outcome {
  if (status >= 500) return 'unknown';
  return status < 400 ? 'done' : 'refused';
}
