// New recovery codes to save, and the offer of new ones where few are left: the two pages of the step.
import type { Context } from 'koa';
import type { RecoveryCodes } from '../../../factors/index.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Csrf } from '../../../web/csrf.ts';
import type { Flash } from '../../../web/flash.ts';
import type { Form } from '../../../web/forms.ts';
import { signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import {
  commonActions,
  commonData,
  type StepOutcome,
  type StepPage,
  type StepSubject,
} from '../page.ts';
import type { FlowRecoveryCodes } from './codes.ts';
import { saveRecoveryCodes } from './step.ts';

export interface RecoveryCodesNeeds {
  readonly flowRecoveryCodes: FlowRecoveryCodes;
  readonly recoveryCodes: RecoveryCodes;
  readonly product: string;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export function createRecoveryCodesPage(needs: RecoveryCodesNeeds): StepPage {
  const { flowRecoveryCodes, recoveryCodes } = needs;
  const { name } = recoveryCodes;
  return {
    step: saveRecoveryCodes,
    show: (ctx, subject, flash) => show(ctx, subject, flash, needs),
    forms: [{ path: name, handle: (_ctx, subject, form) => submit(subject, form, needs) }],
    downloads: [
      {
        path: `${name}.txt`,
        handle: (ctx, { flow, account }) => {
          const codes = flowRecoveryCodes.shown(flow);
          if (!codes) throw new GatehouseError('not_found');
          sendCodes(ctx, codes, name, `${needs.product}, ${account.email}`);
        },
      },
    ],
  };
}

function show(
  ctx: Context,
  subject: StepSubject,
  flash: Flash | undefined,
  { flowRecoveryCodes, recoveryCodes, csrf, render }: RecoveryCodesNeeds,
): void {
  const codes = flowRecoveryCodes.shown(subject.flow);
  const page = { ...commonData(ctx, subject, csrf), actions: actionsOf(subject, recoveryCodes) };
  ctx.status = flash?.status ?? 200;
  ctx.type = 'html';
  ctx.body = codes
    ? render(recoveryCodes.views.save, { ...page, codes, ...flash })
    : render(recoveryCodes.views.few, { ...page, left: subject.flow.facts.backup.left ?? 0 });
}

async function submit(
  { flow }: StepSubject,
  { decision, saved }: Form,
  { flowRecoveryCodes, recoveryCodes, t }: RecoveryCodesNeeds,
): Promise<StepOutcome> {
  if (decision === 'renew' || decision === 'later') {
    await flowRecoveryCodes.decide(flow, decision);
    return undefined;
  }
  if (decision !== undefined) throw new GatehouseError('bad_request');
  if (saved !== 'yes') {
    return {
      flash: { status: 422, errors: { saved: t(`${recoveryCodes.views.texts}.not-saved`) } },
    };
  }
  await flowRecoveryCodes.saved(flow);
  return undefined;
}

/** A text file that a person keeps. */
export function sendCodes(
  ctx: Context,
  codes: readonly string[],
  name: string,
  heading: string,
): void {
  ctx.type = 'text/plain; charset=utf-8';
  ctx.attachment(`${name}.txt`);
  ctx.body = `${heading}\n\n${codes.join('\n')}\n`;
}

function actionsOf(subject: StepSubject, { name }: RecoveryCodes) {
  const path = signInPath(subject.interaction);
  return { ...commonActions(subject), submit: `${path}/${name}`, download: `${path}/${name}.txt` };
}
