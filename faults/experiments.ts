// All experiments, in the order in which they run.
import type { Experiment } from './experiment.ts';
import { badStarts } from './experiments/bad-starts.ts';
import { bursts } from './experiments/bursts.ts';
import { cleaning1m, cleaning100k } from './experiments/cleaning.ts';
import { diskFull } from './experiments/disk-full.ts';
import { failoverAsynchronous, failoverSynchronous } from './experiments/failover.ts';
import { flood } from './experiments/flood.ts';
import { halfDone } from './experiments/half-done.ts';
import { hostile } from './experiments/hostile.ts';
import { keyRotation } from './experiments/key-rotation.ts';
import { killAccountChanges } from './experiments/kill-account-changes.ts';
import { killTokenIssue } from './experiments/kill-token-issue.ts';
import { lostAnswers } from './experiments/lost-answers.ts';
import { migrations } from './experiments/migrations.ts';
import { model } from './experiments/model.ts';
import { poolExhausted } from './experiments/pool.ts';
import { postgresHangs } from './experiments/postgres-hangs.ts';
import { postgresRestarts } from './experiments/postgres-restarts.ts';
import { races } from './experiments/races.ts';
import { rollingRestart } from './experiments/rolling-restart.ts';
import { silentParties } from './experiments/silent-parties.ts';
import { sqliteLocked } from './experiments/sqlite-locked.ts';

export const EXPERIMENTS: readonly Experiment[] = [
  races,
  lostAnswers,
  halfDone,
  bursts,
  killTokenIssue,
  killAccountChanges,
  rollingRestart,
  keyRotation,
  migrations,
  badStarts,
  hostile,
  silentParties,
  flood,
  poolExhausted,
  sqliteLocked,
  diskFull,
  cleaning100k,
  postgresHangs,
  postgresRestarts,
  failoverSynchronous,
  failoverAsynchronous,
  cleaning1m,
  model,
];
