// Several nodes, one time: where they share a PostgreSQL, that of its machine.
import { correctClock, elapsed, machineTime, uncorrectedTime } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { Store } from '../store/store.ts';

export interface ClockSkew {
  /**
   * Asks the database for its time, and from then on corrects the time of this process where it is
   * off by more than a second. Says once when it is off by more than two.
   */
  measure(): Promise<void>;
  /** Milliseconds by which this machine's clock is ahead of the database's; below zero: behind. */
  skew(): number;
}

/** What the rules bear: nobody is told. */
export const TOLERATED = 2_000;
const CORRECTED = 1_000;
/** Clocks that are corrected do not tremble with every measurement. */
const STEADY = 500;
/** An answer that took longer says too little. */
const LONGEST_WAY = 1_000;

const TIME = {
  sql: 'select (extract(epoch from clock_timestamp()) * 1000)::bigint as at',
  bindings: [],
};

export function createClockSkew({ store, log }: { store: Store; log: Log }): ClockSkew {
  let skew = 0;
  let isTold = false;

  const tell = () => {
    const isOff = Math.abs(skew) > TOLERATED;
    if (isOff === isTold) return;
    isTold = isOff;
    if (isOff) log.warn({ skew: skew / 1000 }, `${describeSkew(skew)}. ${CURE}`);
    else log.info("this machine's clock is right again");
  };

  return {
    skew: () => skew,
    measure: async () => {
      // The processes over one SQLite file are on one machine.
      if (store.dialect !== 'pg') return;
      const asked = uncorrectedTime();
      const began = elapsed();
      const row = await store.find(TIME);
      const took = elapsed() - began;
      if (took > LONGEST_WAY) return;
      skew = Math.round(asked + took / 2 - Number(row?.at));
      const wanted = Math.abs(skew) > CORRECTED ? -skew : 0;
      const stands = machineTime() - uncorrectedTime();
      if (Math.abs(wanted - stands) > STEADY) correctClock(wanted);
      tell();
    },
  };
}

export const CURE = 'Keep both in step by NTP; until then Gatehouse goes by the database';

/** `this machine's clock is 60 s behind the database's`. @param skew milliseconds */
export function describeSkew(skew: number, whose = "this machine's clock"): string {
  const seconds = Math.round(Math.abs(skew) / 1000);
  return `${whose} is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the database's`;
}
