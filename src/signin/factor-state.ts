// Which second factors an account has, as a sign-in needs to know it.
import type { BackupCodes, Factor } from '../factors/index.ts';

export interface FactorState {
  /** Names of methods. */
  readonly enrolled: readonly string[];
  /** Undefined: none were ever made. */
  readonly backupLeft: number | undefined;
}

export interface FactorStateNeeds {
  readonly factors: readonly Factor[];
  readonly backupCodes: BackupCodes;
}

export async function stateOf(
  accountId: string,
  { factors, backupCodes }: FactorStateNeeds,
): Promise<FactorState> {
  const states = factors.filter((factor) => factor.step === 'second-factor');
  const [backupLeft, ...enrolled] = await Promise.all([
    backupCodes.left(accountId),
    ...states.map((factor) => factor.isEnrolled(accountId)),
  ]);
  return {
    enrolled: states.filter((_, index) => enrolled[index]).map((factor) => factor.name),
    backupLeft,
  };
}
