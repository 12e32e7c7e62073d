// What one process of all does at a time: a row of the settings says until when it has its turn.
import { machineTime } from '../lib/clock.ts';
import { createSettingTable } from './settings.ts';
import type { Store } from './store.ts';

export interface Lease {
  /** Whether it is this process's turn from now on, for `length` milliseconds. */
  take(): Promise<boolean>;
  /** For as long again; nothing where somebody else has it by now. */
  renew(): Promise<void>;
}

export function createLease(store: Store, name: string, length: number): Lease {
  const settingTable = createSettingTable(store);
  let mine: string | undefined;
  const move = async (from: string): Promise<boolean> => {
    const value = String(machineTime() + length);
    const row = store.sql('settings').where({ name, value: from }).update({ value });
    if (!(await store.tryCommit([store.compile(row, 1)]))) return false;
    mine = value;
    return true;
  };
  return {
    take: async () => {
      await settingTable.setOnce(name, '0');
      const until = (await settingTable.find(name)) ?? '0';
      const left = Number(until) - machineTime();
      // Further ahead than a turn is long: the clock was set back since.
      return left > 0 && left <= length ? false : move(until);
    },
    renew: async () => {
      if (mine !== undefined) await move(mine);
    },
  };
}
