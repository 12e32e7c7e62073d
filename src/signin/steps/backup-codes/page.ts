// Save your backup codes, and Few backup codes left: the two pages of the step.
import type { Context } from 'koa';
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
import type { FlowBackupCodes } from './codes.ts';
import { backupCodes } from './step.ts';

export interface BackupCodesNeeds {
  readonly flowBackupCodes: FlowBackupCodes;
  readonly product: string;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

const PATH = 'backup-codes';

export function createBackupCodesPage(needs: BackupCodesNeeds): StepPage {
  const { flowBackupCodes } = needs;
  return {
    step: backupCodes,
    show: (ctx, subject, flash) => show(ctx, subject, flash, needs),
    forms: [{ path: PATH, handle: (_ctx, subject, form) => submit(subject, form, needs) }],
    downloads: [
      {
        path: `${PATH}.txt`,
        handle: (ctx, { flow, account }) => {
          const codes = flowBackupCodes.shown(flow);
          if (!codes) throw new GatehouseError('not_found');
          sendCodes(ctx, codes, `${needs.product}, ${account.email}`);
        },
      },
    ],
  };
}

function show(
  ctx: Context,
  subject: StepSubject,
  flash: Flash | undefined,
  { flowBackupCodes, csrf, render }: BackupCodesNeeds,
): void {
  const codes = flowBackupCodes.shown(subject.flow);
  const page = { ...commonData(ctx, subject, csrf), actions: actionsOf(subject) };
  ctx.status = flash?.status ?? 200;
  ctx.type = 'html';
  ctx.body = codes
    ? render('steps/save-backup-codes', { ...page, codes, ...flash })
    : render('steps/few-backup-codes', { ...page, left: subject.flow.facts.backup.left ?? 0 });
}

async function submit(
  { flow }: StepSubject,
  { decision, saved }: Form,
  { flowBackupCodes, t }: BackupCodesNeeds,
): Promise<StepOutcome> {
  if (decision === 'renew' || decision === 'later') {
    await flowBackupCodes.decide(flow, decision);
    return undefined;
  }
  if (decision !== undefined) throw new GatehouseError('bad_request');
  if (saved !== 'yes') {
    return { flash: { status: 422, errors: { saved: t('save-backup-codes.not-saved') } } };
  }
  await flowBackupCodes.saved(flow);
  return undefined;
}

/** A text file that a person keeps. */
export function sendCodes(ctx: Context, codes: readonly string[], heading: string): void {
  ctx.type = 'text/plain; charset=utf-8';
  ctx.attachment('backup-codes.txt');
  ctx.body = `${heading}\n\n${codes.join('\n')}\n`;
}

function actionsOf(subject: StepSubject) {
  const path = signInPath(subject.interaction);
  return { ...commonActions(subject), submit: `${path}/${PATH}`, download: `${path}/${PATH}.txt` };
}
