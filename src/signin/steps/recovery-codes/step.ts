// Nobody with a second factor is left without backup codes; who has few is offered new ones.
import { FEW } from '../../../factors/index.ts';
import type { Facts } from '../../facts.ts';
import { isPossessionProved } from '../second-factor/step.ts';
import type { Step } from '../step.ts';

export const saveRecoveryCodes: Step = {
  name: 'backup-codes',
  isNeeded: (facts) =>
    isPossessionProved(facts) && facts.backup.state !== 'settled' && isShort(facts.backup),
  skip: (flow, flows) => flows.markRecovery(flow, 'settled'),
};

function isShort({ left, state }: Facts['backup']): boolean {
  return left === undefined || left < FEW || state === 'renewing';
}

/** Whether there is a choice: with some left, new ones are an offer. */
export function isOffer({ backup }: Facts): boolean {
  return backup.left !== undefined && backup.state === 'open';
}
