// Whoever has a second factor proves it, unless they have had this device remembered.

import { ACR, isAtLeast, isProved } from '../../../domain/sessions/assurance.ts';
import type { Facts } from '../../facts.ts';
import type { Step } from '../step.ts';

export const secondFactor: Step = {
  name: 'second-factor',
  isNeeded: (facts) =>
    facts.enrolled.length > 0 && !isPossessionProved(facts) && !isDeviceEnough(facts),
  firstParty: {
    status: 401,
    error: 'mfa_required',
    description:
      'The password is correct. Send a code from one of the methods together with session_id.',
    needs: 'code',
  },
};

export function isPossessionProved({ proofs }: Pick<Facts, 'proofs'>): boolean {
  return isProved(proofs, 'possession');
}

/** A new password is never set on the strength of a device alone. */
export function isDeviceEnough({ device, devicesCount, password, wanted }: Facts): boolean {
  const isWorth = wanted.kind !== 'at-least' || isAtLeast(ACR.rememberedDevice, wanted.acr);
  return device.kind === 'trusted' && devicesCount && isWorth && password?.staged !== 'new';
}
