// Trusted devices: those that sign in without a code, and how they are forgotten.

import type { Context } from 'koa';
import type { Revocations } from '../../../domain/accounts/revocations.ts';
import type { TrustedDevices } from '../../../domain/accounts/trusted-devices.ts';
import type { TrustedDevice } from '../../../store/trusted-devices.ts';
import type { Translate } from '../../../web/catalogue.ts';
import { redirect } from '../../../web/redirect.ts';
import { dayOf } from '../../../web/times.ts';
import { agentLabel } from '../../agents.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import { createConfirmed } from './confirm.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, type Show } from './site.ts';

export interface DevicePagesNeeds {
  readonly trustedDevices: TrustedDevices;
  readonly revocations: Revocations;
  readonly requesterCookies: RequesterCookies;
  readonly show: Show;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/devices`;

export function createDevicePages(needs: DevicePagesNeeds) {
  const { trustedDevices, revocations, requesterCookies, flashMessages, t } = needs;

  const findThis = async (ctx: Context, { account }: SignedIn): Promise<string | undefined> => {
    const found = await trustedDevices.find(account, requesterCookies.of(ctx));
    return found.kind === 'trusted' ? found.id : undefined;
  };

  const section = async (ctx: Context, signedIn: SignedIn) => {
    const all = await trustedDevices.list(signedIn.account);
    const own = await findThis(ctx, signedIn);
    const items = all.map((device) => itemOf(device, device.id === own, t));
    return { items, forgetAll: `${PATH}/forget-all` };
  };

  const dropCookie = (ctx: Context, { account }: SignedIn) =>
    requesterCookies.rememberDevices(
      ctx,
      new Map([[trustedDevices.cookieOf(account.id), undefined]]),
    );

  const forget: FormHandler = async (ctx, signedIn) => {
    const id = String(ctx.params.id);
    const isThis = id === (await findThis(ctx, signedIn));
    await revocations.forgetDevice(signedIn.account.id, id);
    if (isThis) dropCookie(ctx, signedIn);
    redirect(ctx, ACCOUNT);
  };

  const forgetAll: FormHandler = async (ctx, signedIn) => {
    await revocations.forgetDevices(signedIn.account.id);
    dropCookie(ctx, signedIn);
    flashMessages.leave(ctx, 'devices-forgotten');
    redirect(ctx, ACCOUNT);
  };

  const all = createConfirmed(needs.show, { act: 'forget-all', confirmed: forgetAll });
  return { section, forget, forgetAllPage: all.page, forgetAll: all.submit };
}

function itemOf(device: TrustedDevice, isThis: boolean, t: Translate) {
  return {
    id: device.id,
    label: agentLabel(device.userAgent, t),
    trustedAt: dayOf(device.createdAt),
    until: dayOf(device.expiresAt),
    isThis,
    forget: `${PATH}/${encodeURIComponent(device.id)}/forget`,
  };
}
