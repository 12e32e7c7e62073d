// Several nodes, one time: where they share a PostgreSQL, that of its machine.
import { correctClock, elapsed, machineTime, uncorrectedTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Store } from '../../store/store.ts';

export interface ClockSkew {
  /**
   * Asks the database for its time, and from then on corrects the time of this process as far as the
   * answer proves it wrong. Says once when its machine is off by more than two seconds.
   */
  measure(): Promise<void>;
  /** Milliseconds by which this machine's clock is ahead of the database's; below zero: behind. */
  skew(): number;
}

/** What the rules bear: nobody is told. */
export const TOLERATED = 2_000;
/** Who was told hears that it is over when it clearly is. */
const CLEARLY_OVER = 1_500;
/** Milliseconds that both clocks round away, and that nobody can order requests by. */
const GRAIN = 2;

const TIME = {
  sql: 'select (extract(epoch from clock_timestamp()) * 1000)::bigint as at',
  bindings: [],
};

export function createClockSkew({ store, log }: { store: Store; log: Log }): ClockSkew {
  let skew = 0;
  let isTold = false;
  let isConnected = false;

  const report = () => {
    const isOff = Math.abs(skew) > (isTold ? CLEARLY_OVER : TOLERATED);
    if (isOff === isTold) return;
    isTold = isOff;
    if (isOff) log.warn({ skew: skew / 1000 }, `${describeSkew(skew)}. ${CURE}`);
    else log.info("this machine's clock is right again");
  };

  const ask = async () => {
    const asked = uncorrectedTime();
    const began = elapsed();
    const row = await store.find(TIME);
    // The database looked at its clock at some moment of the way: half of it may be wrong.
    const unsure = (elapsed() - began) / 2;
    const measured = asked + unsure - Number(row?.at);
    const standing = uncorrectedTime() - machineTime();
    const isProvedWrong = Math.abs(measured - standing) > unsure + GRAIN;
    skew = Math.round(isProvedWrong ? measured : standing);
    if (isProvedWrong) correctClock(-skew);
  };

  return {
    skew: () => skew,
    measure: async () => {
      // The processes over one SQLite file are on one machine.
      if (store.dialect !== 'pg') return;
      // The first way is longer by that of connecting.
      if (!isConnected) await ask();
      isConnected = true;
      await ask();
      report();
    },
  };
}

export const CURE = 'Keep both in step by NTP; until then Gatehouse goes by the database';

/** `this machine's clock is 60 s behind the database's`. @param skew milliseconds */
export function describeSkew(skew: number, whose = "this machine's clock"): string {
  const seconds = Math.round(Math.abs(skew) / 1000);
  return `${whose} is ${seconds} s ${skew > 0 ? 'ahead of' : 'behind'} the database's`;
}
