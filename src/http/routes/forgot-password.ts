// Forgot your password?: one answer for every address, whether there is such an account or not.
import Router from '@koa/router';
import type { Context } from 'koa';
import { z } from 'zod';
import { isEmail } from '../../domain/accounts/emails.ts';
import type { PasswordResets } from '../../domain/accounts/password-resets.ts';
import { tooManyOf } from '../../signin/denials.ts';
import type { AnonymousForms } from '../../web/anonymous-forms.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Flash, Flashes } from '../../web/flash.ts';
import { fieldErrors } from '../../web/forms.ts';
import { FORGOT_PATH } from '../../web/paths.ts';
import { redirect, returnPath } from '../../web/redirect.ts';
import type { Render } from '../../web/render.ts';
import { describeLength } from '../../web/times.ts';
import { keepForms } from '../middleware/security.ts';
import type { RequesterCookies } from '../requester-cookies.ts';

export interface ForgotPasswordNeeds {
  readonly resets: PasswordResets;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly anonymousForms: AnonymousForms;
  /** Seconds that a link lives. */
  readonly linkLifetime: number;
  readonly render: Render;
  readonly t: Translate;
}

const SENT_PATH = `${FORGOT_PATH}/sent`;

const input = z.object({
  email: z
    .string()
    .trim()
    .min(1, 'forgot-password.email-missing')
    .refine((text) => text === '' || isEmail(text), 'forgot-password.email-wrong'),
});

export function forgotPasswordRoutes(needs: ForgotPasswordNeeds): Router {
  const { resets, requesterCookies, flashes, anonymousForms, render, t } = needs;

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  const showForm = (ctx: Context): void => {
    const returnTo = returnPath(ctx.query.return_to);
    const flash = flashes.take(ctx, anonymousForms.placeOf(ctx, FORGOT_PATH));
    const form = {
      csrf: anonymousForms.token(ctx),
      hidden: { return_to: returnTo },
      actions: { submit: FORGOT_PATH, back: backFrom(returnTo) },
    };
    show(ctx, 'reset/forgot', { ...form, ...flash }, flash?.status);
  };

  /** Where to has been forgotten after a minute: the page may be loaded again all the same. */
  const showSent = (ctx: Context): void => {
    const flash = flashes.read(ctx, anonymousForms.placeOf(ctx, SENT_PATH));
    show(ctx, 'reset/sent', {
      email: flash?.values?.email ?? '',
      length: describeLength(needs.linkLifetime * 1000),
      actions: { back: backFrom(returnPath(ctx.query.return_to)) },
    });
  };

  const ask = async (ctx: Context): Promise<void> => {
    const form = await anonymousForms.read(ctx);
    const returnTo = returnPath(form.return_to);
    const search = returnTo ? `?${new URLSearchParams({ return_to: returnTo })}` : '';
    const lead = (page: string, flash: Flash) => {
      flashes.leave(ctx, anonymousForms.placeOf(ctx, page), flash);
      redirect(ctx, `${page}${search}`);
    };
    const values = { email: form.email ?? '' };
    const read = input.safeParse(form);
    if (!read.success) {
      const errors = fieldErrors(read.error.issues, t);
      return lead(FORGOT_PATH, { status: 400, errors, values });
    }
    const limited = await resets.ask(read.data.email, requesterCookies.of(ctx).address);
    if (limited) {
      return lead(FORGOT_PATH, { ...tooManyOf(limited, 'forgot-password', t), values });
    }
    lead(SENT_PATH, { status: 200, values: { email: read.data.email } });
  };

  const router = new Router({ prefix: FORGOT_PATH });
  router.get('/', showForm);
  router.get('/sent', showSent);
  router.post('/', ask);
  return router;
}

/** Where nobody waits for a sign-in, the account page asks for one. */
function backFrom(returnTo: string | undefined): string {
  return returnTo ?? '/account';
}
