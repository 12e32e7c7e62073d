// What was asked for on the command line.
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type Experiment, STORES, type StoreName } from './experiment.ts';
import { EXPERIMENTS } from './experiments.ts';

export interface Options {
  readonly experiments: readonly Experiment[];
  readonly stores: readonly StoreName[];
  readonly seed: number;
  readonly minutes: number | undefined;
  readonly list: boolean;
}

export const USAGE = `npm run faults -- [--list] [--only NAME,NAME] [--store sqlite|postgres]
                   [--seed N] [--minutes N]`;

/** Throws an Error whose message says what is wrong. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string' },
      store: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  return {
    experiments: chosen(values.only),
    stores: values.store === undefined ? STORES : [storeNamed(values.store)],
    seed: values.seed === undefined ? randomInt(2 ** 31) : numberOf('--seed', values.seed),
    minutes: values.minutes === undefined ? undefined : numberOf('--minutes', values.minutes),
    list: values.list,
  };
}

function numberOf(option: string, text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number >= 0 && text.trim() !== '') return number;
  throw new Error(`${option} must be a number, not "${text}".`);
}

function chosen(only: string | undefined): readonly Experiment[] {
  if (only === undefined) return EXPERIMENTS.filter(({ name }) => name !== 'model');
  return only.split(',').map((name) => {
    const found = EXPERIMENTS.find((each) => each.name === name.trim());
    if (found) return found;
    throw new Error(`There is no experiment "${name}": see --list.`);
  });
}

function storeNamed(name: string): StoreName {
  const store = STORES.find((each) => each === name);
  if (store) return store;
  throw new Error(`There is no store "${name}": it is one of ${STORES.join(', ')}.`);
}
