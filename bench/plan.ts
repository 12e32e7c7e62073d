// How often and how long everything is measured.

export interface Plan {
  readonly rounds: number;
  /** Seconds in which nothing is counted. */
  readonly warmUp: number;
  /** Seconds in which requests are counted. */
  readonly seconds: number;
  /** The same, where people sign in. */
  readonly signInWarmUp: number;
  readonly signInSeconds: number;
  /** Seconds in which argon2id alone runs. */
  readonly hashSeconds: number;
}

export const FULL: Plan = {
  rounds: 3,
  warmUp: 0.5,
  seconds: 2,
  signInWarmUp: 1,
  signInSeconds: 4,
  hashSeconds: 2,
};
/** Enough to see that all of it works, and roughly where it stands. */
export const QUICK: Plan = {
  rounds: 1,
  warmUp: 0.4,
  seconds: 1,
  signInWarmUp: 0.8,
  signInSeconds: 2.5,
  hashSeconds: 1,
};
