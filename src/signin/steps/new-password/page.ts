// Update your password: the form, and the answers it asks for while somebody types.
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Csrf } from '../../../web/csrf.ts';
import type { Flash } from '../../../web/flash.ts';
import { signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import { createNewPasswordForm, type NewPasswordForm } from '../../new-password-form.ts';
import { commonActions, commonData, known, type StepPage, type StepSubject } from '../page.ts';
import { isExhausted, type Renew, type RenewOutcome } from './renew.ts';
import { newPassword } from './step.ts';

export interface NewPasswordNeeds {
  readonly passwords: PasswordPolicy;
  readonly renew: Renew;
  /** New passwords tried in one sign-in. */
  readonly candidates: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

const PATH = 'new-password';

export function createNewPasswordPage(needs: NewPasswordNeeds): StepPage {
  const { renew, t } = needs;
  const fields = createNewPasswordForm(needs);
  return {
    step: newPassword,
    show: (ctx, subject, flash) => {
      ctx.status = flash?.status ?? 200;
      ctx.type = 'html';
      ctx.body = needs.render('steps/new-password', {
        ...commonData(ctx, subject, needs.csrf),
        actions: actionsOf(subject),
        ...fields.data(flash?.unmet),
        ...(isExhausted(subject.flow, needs.candidates) ? exhausted(t) : {}),
        ...flash,
      });
    },
    forms: [
      {
        path: PATH,
        handle: async (_ctx, { flow }, form) => {
          const read = fields.read(form);
          if (read.kind === 'wrong') return { flash: read.tried };
          const flash = flashOf(await renew(flow, read.password), fields);
          return flash && { flash };
        },
      },
      {
        path: `${PATH}/check`,
        handle: async (ctx, subject, form) => {
          fields.check(ctx, known(subject).account, form);
          return 'answered';
        },
      },
    ],
  };
}

function actionsOf(subject: StepSubject) {
  const path = signInPath(subject.interaction);
  return {
    ...commonActions(subject),
    submit: `${path}/${PATH}`,
    check: `${path}/${PATH}/check`,
    restart: `${path}/restart`,
  };
}

/** Instead of the form. */
function exhausted(t: Translate) {
  return { exhausted: true, alert: { kind: 'error', text: t('new-password.exhausted') } };
}

/** Undefined: the sign-in goes on, wherever it is. */
function flashOf(outcome: RenewOutcome, fields: NewPasswordForm): Flash | undefined {
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
