// Choose a new password: a link shows a button, the button spends it, and a ticket sets the password.
import Router from '@koa/router';
import type { Context } from 'koa';
import type { OneTimeLinks } from '../../domain/accounts/links.ts';
import type { PasswordResets } from '../../domain/accounts/password-resets.ts';
import type { Audit } from '../../domain/audit/audit.ts';
import { withLimitAudit } from '../../domain/audit/locks.ts';
import type { Limits } from '../../domain/limits/limits.ts';
import type { PasswordPolicy } from '../../domain/passwords/policy.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { refusalOf } from '../../signin/denials.ts';
import { createNewPasswordForm } from '../../signin/new-password-form.ts';
import type { Account } from '../../store/accounts.ts';
import type { AnonymousForms } from '../../web/anonymous-forms.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Csrf } from '../../web/csrf.ts';
import type { Flash, Flashes } from '../../web/flash.ts';
import { type Form, readForm } from '../../web/forms.ts';
import { FORGOT_PATH, RESET_PATH } from '../../web/paths.ts';
import { redirect } from '../../web/redirect.ts';
import type { Render } from '../../web/render.ts';
import { keepForms } from '../middleware/security.ts';
import { createRedemptionCookie } from '../redemption-cookie.ts';
import type { RequesterCookies } from '../requester-cookies.ts';

export interface ResetPasswordNeeds {
  readonly issuer: string;
  readonly links: OneTimeLinks;
  readonly resets: PasswordResets;
  readonly limits: Limits;
  readonly audit: Audit;
  readonly passwords: PasswordPolicy;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly anonymousForms: AnonymousForms;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

/** Used, run out, of somebody else or never made: the answer is the same. */
const VOID: Flash = { status: 410 };
const NOTHING = { kind: 'nothing', why: VOID } as const;

/** Whose password may be set, and by what. */
interface Holder {
  readonly redemption: string;
  readonly account: Account;
}

const bindingOf = (redemption: string) => `reset:${redemption}`;

export function resetPasswordRoutes(needs: ResetPasswordNeeds): Router {
  const { links, resets, flashes, anonymousForms, csrf, render, t } = needs;
  const fields = createNewPasswordForm(needs);
  const cookie = createRedemptionCookie(needs.issuer);

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    keepForms(ctx);
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  const showNothing = (ctx: Context, { status, retryAfter, alert }: Flash): void => {
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    if (alert) show(ctx, 'reset/limited', { alert }, status);
    else show(ctx, 'reset/void', { actions: { forgot: FORGOT_PATH } }, status);
  };

  /** Nobody guesses 256 random bits: what is right is never refused, and what is wrong counts. */
  const look = async <T>(ctx: Context, find: () => Promise<T | undefined>) => {
    const found = await find();
    if (found !== undefined) return { kind: 'found', found } as const;
    const reserved = await needs.limits.reserveLink(needs.requesterCookies.of(ctx).address);
    const attempt = await withLimitAudit(reserved, needs.audit, { method: 'link' });
    if (attempt.kind === 'limited')
      return { kind: 'nothing', why: refusalOf(attempt, '', t) } as const;
    await attempt.consume();
    return NOTHING;
  };

  const linkPlaceOf = (ctx: Context) => anonymousForms.placeOf(ctx, ctx.path);

  const showLink = async (ctx: Context): Promise<void> => {
    const flash = flashes.take(ctx, linkPlaceOf(ctx));
    if (flash) return showNothing(ctx, flash);
    const looked = await look(ctx, () => links.find(secretOf(ctx), cookie.get(ctx)));
    if (looked.kind === 'nothing') return showNothing(ctx, looked.why);
    if (looked.found === 'going-on') return redirect(ctx, RESET_PATH);
    const csrfToken = anonymousForms.token(ctx);
    show(ctx, 'reset/continue', { csrf: csrfToken, actions: { submit: ctx.path } });
  };

  const spendLink = async (ctx: Context): Promise<void> => {
    await anonymousForms.read(ctx);
    const looked = await look(ctx, async () => {
      const redemption = await links.spend(secretOf(ctx));
      if (redemption !== undefined) return () => cookie.set(ctx, redemption);
      // The button once more, after going back: the ticket is there.
      const found = await links.find(secretOf(ctx), cookie.get(ctx));
      return found && (() => undefined);
    });
    if (looked.kind === 'nothing') {
      flashes.leave(ctx, linkPlaceOf(ctx), looked.why);
      return redirect(ctx, ctx.path);
    }
    looked.found();
    redirect(ctx, RESET_PATH);
  };

  const find = async (redemption: string): Promise<Holder | undefined> => {
    const account = await resets.find(redemption);
    return account && { redemption, account };
  };

  /** No guess, and so not counted: the token of the form was made for this very ticket. */
  const findPosted = async (
    ctx: Context,
    redemption: string,
    form: Form,
  ): Promise<Holder | undefined> => {
    csrf.assert(ctx, form, bindingOf(redemption));
    return find(redemption);
  };

  const showForm = (
    ctx: Context,
    { redemption, account }: Holder,
    flash: Flash = { status: 200 },
  ) => {
    const data = {
      csrf: csrf.token(bindingOf(redemption)),
      account: { email: account.email },
      actions: { submit: RESET_PATH, check: `${RESET_PATH}/check` },
      ...fields.data(flash.unmet),
      ...flash,
    };
    show(ctx, 'reset/choose', data, flash.status);
  };

  const showChoice = async (ctx: Context): Promise<void> => {
    const redemption = cookie.get(ctx);
    if (redemption === undefined) return showNothing(ctx, VOID);
    const flash = flashes.take(ctx, bindingOf(redemption));
    if (flash?.status === VOID.status) return showNothing(ctx, flash);
    const looked = await look(ctx, () => find(redemption));
    if (looked.kind === 'nothing') return showNothing(ctx, looked.why);
    showForm(ctx, looked.found, flash);
  };

  const choose = async (ctx: Context): Promise<void> => {
    const form = await readForm(ctx);
    const redemption = cookie.get(ctx);
    if (redemption === undefined) return redirect(ctx, RESET_PATH);
    const holder = await findPosted(ctx, redemption, form);
    const flash = holder ? await tryPassword(holder, form) : VOID;
    if (flash) {
      flashes.leave(ctx, bindingOf(redemption), flash);
      return redirect(ctx, RESET_PATH);
    }
    cookie.clear(ctx);
    redirect(ctx, `${RESET_PATH}/done`);
  };

  /** Undefined: it is the password now. */
  const tryPassword = async ({ redemption }: Holder, form: Form): Promise<Flash | undefined> => {
    const read = fields.read(form);
    if (read.kind === 'wrong') return read.tried;
    const outcome = await resets.choose(redemption, read.password);
    if (outcome.kind === 'done') return undefined;
    return outcome.kind === 'void' ? VOID : fields.refused(outcome);
  };

  const check = async (ctx: Context): Promise<void> => {
    const form = await readForm(ctx);
    const redemption = cookie.get(ctx);
    const holder = redemption === undefined ? undefined : await findPosted(ctx, redemption, form);
    if (!holder) throw new GatehouseError('flow_expired');
    fields.check(ctx, holder.account, form);
  };

  const showDone = (ctx: Context) => show(ctx, 'reset/done', { actions: { signIn: '/account' } });

  const router = new Router({ prefix: RESET_PATH });
  router.get('/', showChoice);
  router.post('/', choose);
  router.post('/check', check);
  router.get('/done', showDone);
  router.get('/:secret', showLink);
  router.post('/:secret', spendLink);
  // Nobody else gets to see these addresses: they hold secrets.
  router.all('/:secret', () => {
    throw new GatehouseError('method_not_allowed');
  });
  return router;
}

function secretOf(ctx: Context): string {
  return String(ctx.params.secret);
}
