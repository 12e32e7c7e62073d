// What an experiment is, and what it is given.

import type { StoreKind } from '../test/support/stores.ts';
import type { Journal } from './journal.ts';
import type { Random } from './random.ts';
import type { Site, SiteOptions } from './site.ts';

export const STORES = ['sqlite', 'postgres'] as const;
export type StoreName = (typeof STORES)[number];

export interface Bench {
  readonly kind: StoreKind;
  readonly store: StoreName;
  readonly random: Random;
  readonly journal: Journal;
  /** As asked for; each experiment has a length of its own otherwise. */
  readonly minutes: number | undefined;
  /** Rounds of what is repeated: more where minutes are given. */
  rounds(usual: number): number;
  /** Progress, while it runs. */
  say(text: string): void;
  /** Two processes of one issuer; stopped when the experiment is over. */
  open(options?: SiteOptions): Promise<Site>;
  /** Done when the experiment is over, the last one first. */
  finally(act: () => unknown): void;
}

export type Figures = Readonly<Record<string, number | string>>;

export interface Experiment {
  readonly name: string;
  readonly title: string;
  readonly stores: readonly StoreName[];
  /** About how long it takes on two cores. */
  readonly takes: string;
  run(bench: Bench): Promise<Figures>;
}
