// How often and how long everything is measured.

/** Each server is asked in turns, so that a neighbour's noise meets both of them. */
export interface Timing {
  readonly turns: number;
  /** Seconds before the first turn in which nothing is counted. */
  readonly practice: number;
  /** Seconds at the beginning of each turn in which nothing is counted. */
  readonly warmUp: number;
  /** Seconds of each turn in which answers are counted. */
  readonly seconds: number;
}

export interface Plan {
  readonly rounds: number;
  readonly requests: Timing;
  /** Where people sign in. */
  readonly signIns: Timing;
  /** Seconds of each turn in which argon2id alone runs. */
  readonly hashes: number;
}

export const FULL: Plan = {
  rounds: 3,
  requests: { turns: 3, practice: 1, warmUp: 0.1, seconds: 0.4 },
  signIns: { turns: 2, practice: 0, warmUp: 0.8, seconds: 1.5 },
  hashes: 0.7,
};

/** Enough to see that all of it works, and roughly where it stands. */
export const QUICK: Plan = {
  rounds: 1,
  requests: { turns: 2, practice: 0.6, warmUp: 0.1, seconds: 0.3 },
  signIns: { turns: 1, practice: 0, warmUp: 0.8, seconds: 2 },
  hashes: 0.7,
};
