// Save your backup codes, and Few backup codes left: the pages of one step.
import type { Context } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import type { FlowBackupCodes } from '../../signin/backup-codes.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Translate } from '../catalogue.ts';
import type { Csrf } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import type { Form } from '../forms.ts';
import { signInPath } from '../redirect.ts';
import type { Render } from '../render.ts';
import type { StepSubject } from './enrolment.ts';

export interface BackupCodesNeeds {
  readonly flowBackupCodes: FlowBackupCodes;
  readonly product: string;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export function createBackupCodesPages(needs: BackupCodesNeeds) {
  const { flowBackupCodes, render, t } = needs;

  const show = (ctx: Context, subject: StepSubject, flash: Flash | undefined): void => {
    const codes = flowBackupCodes.shown(subject.flow);
    const page = pageOf(subject, needs);
    ctx.status = flash?.status ?? 200;
    ctx.type = 'html';
    ctx.body = codes
      ? render('steps/save-backup-codes', { trace: ctx.state.trace, ...page, codes, ...flash })
      : render('steps/few-backup-codes', {
          trace: ctx.state.trace,
          ...page,
          left: subject.flow.facts.backup.left ?? 0,
        });
  };

  const submit = async (_ctx: Context, subject: StepSubject, form: Form) => {
    if (form.decision === 'renew' || form.decision === 'later') {
      await flowBackupCodes.decide(subject.flow, form.decision);
      return undefined;
    }
    if (form.decision !== undefined) throw new GatehouseError('bad_request');
    if (form.saved !== 'yes') {
      return { flash: { status: 422, errors: { saved: t('save-backup-codes.not-saved') } } };
    }
    await flowBackupCodes.saved(subject.flow);
    return undefined;
  };

  const download = (ctx: Context, subject: StepSubject): void => {
    const codes = flowBackupCodes.shown(subject.flow);
    if (!codes) throw new GatehouseError('not_found');
    sendCodes(ctx, codes, `${needs.product}, ${subject.account.email}`);
  };

  return { show, submit, download };
}

/** A text file that a person keeps. */
export function sendCodes(ctx: Context, codes: readonly string[], heading: string): void {
  ctx.type = 'text/plain; charset=utf-8';
  ctx.attachment('backup-codes.txt');
  ctx.body = `${heading}\n\n${codes.join('\n')}\n`;
}

function pageOf({ interaction, flow, account }: StepSubject, { csrf }: BackupCodesNeeds) {
  const path = signInPath(interaction);
  return {
    client: interaction.client,
    csrf: csrf.token(interaction.formBinding),
    progress: progressOf(flow.facts),
    account: { email: account.email, name: account.name },
    actions: {
      submit: `${path}/backup-codes`,
      download: `${path}/backup-codes.txt`,
      cancel: `${path}/cancel`,
      switch: `${path}/switch`,
    },
  };
}
