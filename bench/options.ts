// What was asked for on the command line, and how long each kind of run takes.
import { parseArgs } from 'node:util';
import { FULL, type Plan, QUICK } from './plan.ts';
import { STORES, type StoreName } from './setup.ts';
import { WORKLOADS, type Workload } from './workloads.ts';

export interface Options {
  readonly plan: Plan;
  readonly workloads: readonly Workload[];
  readonly store: StoreName;
  readonly json: string | undefined;
  /** A folder for CPU profiles of both servers. */
  readonly profile: string | undefined;
  /** The whole of it, as it stands in docs/performance.md. */
  readonly whole: boolean;
}

export const USAGE = `npm run bench -- [--quick] [--only name,name] [--store sqlite|postgres]
                  [--json FILE] [--profile FOLDER]
names: ${WORKLOADS.map(({ name }) => name).join(', ')}`;

/** Throws an Error whose message says what is wrong. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      store: { type: 'string', default: 'sqlite' },
      json: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  const { quick, only, store, json, profile } = values;
  const whole = !quick && only === undefined && profile === undefined;
  const plan = quick ? QUICK : FULL;
  return { plan, workloads: chosen(only), store: storeNamed(store), json, profile, whole };
}

function chosen(only: string | undefined): readonly Workload[] {
  if (only === undefined) return WORKLOADS;
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !WORKLOADS.some((each) => each.name === name));
  if (unknown.length > 0) throw new Error(`There is no workload "${unknown.join('", "')}".`);
  return WORKLOADS.filter(({ name }) => names.includes(name));
}

function storeNamed(name: string): StoreName {
  const store = STORES.find((each) => each === name);
  if (store) return store;
  throw new Error(`There is no store "${name}": it is one of ${STORES.join(', ')}.`);
}
