// Forgot your password?: one answer for every address, whether there is such an account or not.
import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { isEmail } from '../../domain/emails.ts';
import type { PasswordResets } from '../../domain/password-resets.ts';
import { fieldErrors } from '../forms.ts';
import { keepForms } from '../middleware/security.ts';
import { FORGOT_PATH, returnPath } from '../redirect.ts';
import { lengthInWords, tooManyOf } from '../refusals.ts';
import type { Render } from '../render.ts';
import type { Translate } from '../texts.ts';
import type { VisitorForms } from '../visitor-forms.ts';
import type { Visitors } from '../visitors.ts';

export interface ForgotPasswordNeeds {
  readonly resets: PasswordResets;
  readonly visitors: Visitors;
  readonly visitorForms: VisitorForms;
  /** Seconds that a link lives. */
  readonly linkLifetime: number;
  readonly render: Render;
  readonly t: Translate;
}

const input = z.object({
  email: z
    .string()
    .trim()
    .min(1, 'forgot-password.email-missing')
    .refine((text) => text === '' || isEmail(text), 'forgot-password.email-wrong'),
});

export function forgotPasswordRoutes(needs: ForgotPasswordNeeds): Router {
  const { resets, visitors, visitorForms, render, t } = needs;

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  const showForm = (ctx: Context, returnTo: string | undefined, page: object = {}, status = 200) =>
    show(
      ctx,
      'reset/forgot',
      {
        csrf: visitorForms.token(ctx),
        hidden: { return_to: returnTo },
        actions: { submit: FORGOT_PATH, back: backFrom(returnTo) },
        ...page,
      },
      status,
    );

  const ask = async (ctx: Context): Promise<void> => {
    const form = await visitorForms.read(ctx);
    const returnTo = returnPath(form.return_to);
    const read = input.safeParse(form);
    if (!read.success) {
      const errors = fieldErrors(read.error.issues, t);
      return showForm(ctx, returnTo, { errors, values: { email: form.email ?? '' } }, 400);
    }
    const limited = await resets.ask(read.data.email, visitors.of(ctx).address);
    if (limited) {
      const { status, retryAfter, alert } = tooManyOf(limited, 'forgot-password', t);
      ctx.set('Retry-After', String(retryAfter));
      return showForm(ctx, returnTo, { alert, values: { email: form.email ?? '' } }, status);
    }
    show(ctx, 'reset/sent', {
      email: read.data.email,
      length: lengthInWords(needs.linkLifetime * 1000),
      actions: { back: backFrom(returnTo) },
    });
  };

  const router = new Router({ prefix: FORGOT_PATH });
  router.get('/', ((ctx: Context) => showForm(ctx, returnPath(ctx.query.return_to))) as never);
  router.post('/', ask as never);
  return router;
}

/** Where nobody waits for a sign-in, the account page asks for one. */
function backFrom(returnTo: string | undefined): string {
  return returnTo ?? '/account';
}
