// CPU time of a process, all its threads together: a neighbour's noise hardly touches it.
import { readFileSync } from 'node:fs';

// USER_HZ, the same on every Linux that Node runs on.
const TICKS = 100;

/** Seconds so far; NaN where the system does not tell (it does on Linux). */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return Number.NaN;
  }
}
