// Update your password: the page of the step, its form, and the answers it asks for while one types.
import type { Context } from 'koa';
import type { PasswordPolicy } from '../../domain/passwords/policy.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import type { Flow } from '../../signin/flow.ts';
import { isExhausted, type Renew, type RenewOutcome } from '../../signin/renew.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Account } from '../../store/accounts.ts';
import type { Translate } from '../catalogue.ts';
import type { Csrf } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import type { Form } from '../forms.ts';
import { createNewPasswordForm, type NewPasswordForm } from '../new-password-form.ts';
import { signInPath } from '../redirect.ts';
import type { Render } from '../render.ts';

export interface NewPasswordNeeds {
  readonly passwords: PasswordPolicy;
  readonly renew: Renew;
  /** New passwords tried in one sign-in. */
  readonly candidates: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export interface NewPasswordPage {
  show(ctx: Context, subject: Subject, flash: Flash | undefined): void;
  submit(ctx: Context, subject: Subject, form: Form): Promise<{ flash: Flash } | undefined>;
  check: NewPasswordForm['check'];
}

interface Subject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  readonly account: Account;
}

export function createNewPasswordPage(needs: NewPasswordNeeds): NewPasswordPage {
  const { renew, t } = needs;
  const fields = createNewPasswordForm(needs);

  return {
    show: (ctx, subject, flash) => {
      ctx.status = flash?.status ?? 200;
      ctx.type = 'html';
      ctx.body = needs.render('steps/new-password', {
        trace: ctx.state.trace,
        ...pageOf(subject, needs),
        ...fields.data(flash?.unmet),
        ...(isExhausted(subject.flow, needs.candidates) ? exhausted(t) : {}),
        ...flash,
      });
    },
    submit: async (_ctx, { flow }, form) => {
      const read = fields.read(form);
      if (read.kind === 'wrong') return { flash: read.tried };
      const flash = triedBy(await renew(flow, read.password), fields);
      return flash && { flash };
    },
    check: fields.check,
  };
}

function pageOf({ interaction, flow, account }: Subject, { csrf }: NewPasswordNeeds) {
  const path = signInPath(interaction);
  return {
    client: interaction.client,
    csrf: csrf.token(interaction.formBinding),
    progress: progressOf(flow.facts),
    account: { email: account.email },
    actions: {
      submit: `${path}/new-password`,
      check: `${path}/new-password/check`,
      cancel: `${path}/cancel`,
      switch: `${path}/switch`,
      restart: `${path}/restart`,
    },
  };
}

/** Instead of the form. */
function exhausted(t: Translate) {
  return { exhausted: true, alert: { kind: 'error', text: t('new-password.exhausted') } };
}

/** Undefined: the sign-in goes on, wherever it is. */
function triedBy(outcome: RenewOutcome, fields: NewPasswordForm): Flash | undefined {
  switch (outcome.kind) {
    case 'staged':
    case 'not-due':
      return undefined;
    case 'unmet':
    case 'same':
      return fields.refused(outcome);
    case 'exhausted':
      return { status: 429 };
  }
}
