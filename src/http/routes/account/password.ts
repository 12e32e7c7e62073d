// Change password: the section, the page, its form, and the answers it asks for while one types.
import { z } from 'zod';
import type { PasswordPolicy } from '../../../domain/passwords/policy.ts';
import type { ChangeOutcome, ChangePassword } from '../../../signin/change-password.ts';
import { refusalOf } from '../../../signin/denials.ts';
import { createNewPasswordForm, type NewPasswordForm } from '../../../signin/new-password-form.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Flash, Flashes } from '../../../web/flash.ts';
import { type Form, fieldErrors } from '../../../web/forms.ts';
import { redirect } from '../../../web/redirect.ts';
import { dateOf } from '../../../web/times.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, placeOf, type Refuse, type Show } from './site.ts';

export interface PasswordPageNeeds {
  readonly passwords: PasswordPolicy;
  readonly changePassword: ChangePassword;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/password`;
const LONGEST = 1024;

const current = z.object({
  current_password: z
    .string()
    .min(1, 'change-password.current-missing')
    .max(LONGEST, 'new-password.too-long'),
});

export function createPasswordPage(needs: PasswordPageNeeds) {
  const fields = createNewPasswordForm(needs);

  const page: PageHandler = (ctx, signedIn) =>
    needs.show(ctx, signedIn, 'account/password', {
      actions: { submit: PATH, check: `${PATH}/check` },
      ...fields.data(needs.flashes.read(ctx, placeOf(ctx.path, signedIn))?.unmet),
    });

  const submit: FormHandler = async (ctx, signedIn, form) => {
    const read = readFields(form, fields, needs.t);
    if (read.kind === 'wrong') return needs.refuse(ctx, signedIn, read.tried);
    const { account, session } = signedIn;
    const { browser } = needs.requesterCookies.of(ctx);
    const change = { ...read, session: session.uid, browser };
    const outcome = await needs.changePassword(account, change);
    const tried = triedBy(outcome, fields, needs.t);
    if (tried) return needs.refuse(ctx, signedIn, tried);
    if (outcome.kind === 'changed') needs.flashMessages.leave(ctx, 'password-changed');
    redirect(ctx, ACCOUNT);
  };

  const check: FormHandler = async (ctx, { account }, form) => fields.check(ctx, account, form);

  return {
    section: ({ account: { passwordChangedAt: at, createdAt } }: SignedIn) => ({
      changedAt: at === undefined || at === createdAt ? null : dateOf(at),
      href: PATH,
    }),
    page,
    submit,
    check,
  };
}

type Read =
  | { readonly kind: 'read'; readonly current: string; readonly next: string }
  | { readonly kind: 'wrong'; readonly tried: Flash };

/** Says at once what is wrong with any of the three. */
function readFields(form: Form, fields: NewPasswordForm, t: Translate): Read {
  const typed = current.safeParse(form);
  const next = fields.read(form);
  if (typed.success && next.kind === 'read') {
    return { kind: 'read', current: typed.data.current_password, next: next.password };
  }
  const own = typed.success ? {} : fieldErrors(typed.error.issues, t);
  const others = next.kind === 'wrong' ? next.tried.errors : {};
  return { kind: 'wrong', tried: { status: 400, errors: { ...own, ...others } } };
}

/** Undefined: it is done, or somebody else was faster. */
function triedBy(outcome: ChangeOutcome, fields: NewPasswordForm, t: Translate): Flash | undefined {
  switch (outcome.kind) {
    case 'changed':
    case 'void':
      return undefined;
    case 'unmet':
    case 'same':
      return fields.refused(outcome);
    default:
      return refusalOf(outcome, 'change-password', t);
  }
}
