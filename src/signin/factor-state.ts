// Which second factors an account has, as a sign-in needs to know it.
import type { Factor, RecoveryCodes } from '../factors/index.ts';

export interface FactorState {
  /** Names of methods. */
  readonly enrolled: readonly string[];
  /** Undefined: none were ever made. */
  readonly codesLeft: number | undefined;
}

export interface FactorStateNeeds {
  readonly factors: readonly Factor[];
  readonly recoveryCodes: RecoveryCodes;
}

export async function stateOf(
  accountId: string,
  { factors, recoveryCodes }: FactorStateNeeds,
): Promise<FactorState> {
  const states = factors.filter((factor) => factor.step === 'second-factor');
  const [codesLeft, ...enrolled] = await Promise.all([
    recoveryCodes.left(accountId),
    ...states.map((factor) => factor.isEnrolled(accountId)),
  ]);
  return {
    enrolled: states.filter((_, index) => enrolled[index]).map((factor) => factor.name),
    codesLeft,
  };
}
