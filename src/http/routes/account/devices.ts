// Trusted devices: those that sign in without a code, and how they are forgotten.

import type { Context } from 'koa';
import type { TrustedDevices } from '../../../domain/trusted-devices.ts';
import type { WaysOut } from '../../../domain/ways-out.ts';
import type { TrustedDevice } from '../../../store/trusted-devices.ts';
import { agentInWords } from '../../agents.ts';
import { redirect } from '../../redirect.ts';
import type { Translate } from '../../texts.ts';
import { dayOf } from '../../times.ts';
import type { Visitors } from '../../visitors.ts';
import { createConfirmed } from './confirm.ts';
import type { FormHandler, Present } from './entrance.ts';
import { ACCOUNT, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface DevicePagesNeeds {
  readonly trustedDevices: TrustedDevices;
  readonly waysOut: WaysOut;
  readonly visitors: Visitors;
  readonly show: Show;
  readonly told: Told;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/devices`;

export function createDevicePages(needs: DevicePagesNeeds) {
  const { trustedDevices, waysOut, visitors, told, t } = needs;

  const findThis = async (ctx: Context, { account }: Present): Promise<string | undefined> => {
    const found = await trustedDevices.find(account, visitors.of(ctx));
    return found.kind === 'trusted' ? found.id : undefined;
  };

  const section = async (ctx: Context, present: Present) => {
    const all = await trustedDevices.list(present.account);
    const own = await findThis(ctx, present);
    const items = all.map((device) => itemOf(device, device.id === own, t));
    return { items, forgetAll: `${PATH}/forget-all` };
  };

  const dropCookie = (ctx: Context, { account }: Present) =>
    visitors.rememberDevices(ctx, new Map([[trustedDevices.cookieOf(account.id), undefined]]));

  const forget: FormHandler = async (ctx, present) => {
    const id = String(ctx.params.id);
    const isThis = id === (await findThis(ctx, present));
    await waysOut.forgetDevice(present.account.id, id);
    if (isThis) dropCookie(ctx, present);
    redirect(ctx, ACCOUNT);
  };

  const forgetAll: FormHandler = async (ctx, present) => {
    await waysOut.forgetDevices(present.account.id);
    dropCookie(ctx, present);
    told.tell(ctx, 'devices-forgotten');
    redirect(ctx, ACCOUNT);
  };

  const all = createConfirmed(needs.show, { act: 'forget-all', confirmed: forgetAll });
  return { section, forget, forgetAllPage: all.page, forgetAll: all.submit };
}

function itemOf(device: TrustedDevice, isThis: boolean, t: Translate) {
  return {
    id: device.id,
    label: agentInWords(device.userAgent, t),
    trustedAt: dayOf(device.createdAt),
    until: dayOf(device.expiresAt),
    isThis,
    forget: `${PATH}/${encodeURIComponent(device.id)}/forget`,
  };
}
