// The clock that tests move: an offset in the store, the same in every process.
import { moveTestClock, now } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/durations.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { SettingTable } from '../../store/settings.ts';

export interface TestClock {
  /** Does `work` whenever the time of this process has jumped, before anything goes on. */
  whenMoved(work: () => Promise<void>): void;
  /** Reads the offset that another process may have set. */
  sync(): Promise<void>;
  /** @param text `90s`, `15m`, `3h`, `8d`. @returns the new time in milliseconds */
  advance(text: string): Promise<number>;
  reset(): Promise<number>;
}

const SETTING = 'test_clock_offset';
const LONGEST = 400 * 86_400_000;

export function createTestClock(settingTable: SettingTable): TestClock {
  let known: number | undefined;
  let follow = async () => {};
  const read = async () => Number((await settingTable.find(SETTING)) ?? 0);
  const move = async (offset: number) => {
    const hasJumped = offset !== known;
    known = offset;
    moveTestClock(offset);
    if (hasJumped) await follow();
  };
  const write = async (offset: number) => {
    await settingTable.set(SETTING, String(offset));
    await move(offset);
    return now();
  };
  return {
    whenMoved: (work) => {
      follow = work;
    },
    sync: async () => move(await read()),
    advance: async (text) => write((await read()) + readDuration(text)),
    reset: () => write(0),
  };
}

function readDuration(text: string): number {
  const length = parseDuration(text);
  if (length !== undefined) return Math.min(length, LONGEST);
  throw new GatehouseError('invalid_input', { message: 'advance: try "90s", "15m" or "8d".' });
}
