// How a server ends: by a signal, or because of an error that nobody caught.
import type { Log } from '../lib/log.ts';

export interface Served {
  /** Finishes what runs. @param failed takes nothing more, not even for a moment */
  stop(failed: boolean): Promise<void>;
}

export interface EndingNeeds {
  readonly log: Log;
  /** Seconds for all that is finished after an error. */
  readonly patience: number;
  /** Called at once when an error ends the process. */
  readonly failing?: () => void;
}

export interface Ending {
  /** A second signal means now. */
  onSignal(): void;
}

/**
 * After an error that nobody caught, nobody knows what else is wrong: it is logged, what runs is
 * finished, and the exit code says that something must start this anew.
 */
export function catchUncaught(served: Served, { log, patience, failing }: EndingNeeds): Ending {
  let isEnding = false;
  let signals = 0;

  const end = (code: number) => {
    if (isEnding) return;
    isEnding = true;
    served.stop(code !== 0).then(
      () => process.exit(code),
      () => process.exit(1),
    );
  };
  process.on('uncaughtException', (error, origin) => {
    report(log, error, origin);
    process.exitCode = 1;
    if (isEnding) return;
    failing?.();
    setTimeout(() => process.exit(1), patience * 1000);
    end(1);
  });
  return {
    onSignal: () => {
      signals += 1;
      if (signals > 1) process.exit(1);
      end(0);
    },
  };
}

/** An unhandled rejection arrives here, too. */
function report(log: Log, error: unknown, origin: string): void {
  try {
    log.fatal({ err: error, origin }, 'uncaught error: the process will exit');
  } catch {
    // The log may be what has failed. The end must come all the same.
  }
}
