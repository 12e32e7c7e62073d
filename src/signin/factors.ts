// Which second factors an account has, as a sign-in needs to know it.
import type { BackupCodesDomain } from '../domain/backup-codes.ts';
import type { Method } from '../methods/index.ts';

export interface FactorState {
  /** Names of methods. */
  readonly enrolled: readonly string[];
  /** Undefined: none were ever made. */
  readonly backupLeft: number | undefined;
}

export interface FactorNeeds {
  readonly methods: readonly Method[];
  readonly backupCodes: BackupCodesDomain;
}

export async function stateOf(
  accountId: string,
  { methods, backupCodes }: FactorNeeds,
): Promise<FactorState> {
  const factors = methods.filter((method) => method.step === 'second-factor');
  const [backupLeft, ...enrolled] = await Promise.all([
    backupCodes.left(accountId),
    ...factors.map((method) => method.isEnrolled(accountId)),
  ]);
  return {
    enrolled: factors.filter((_, index) => enrolled[index]).map((method) => method.name),
    backupLeft,
  };
}
