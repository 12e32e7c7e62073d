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
import { setRetryAfter } from '../../lib/retry-after.ts';
import { refusalOf } from '../../signin/denials.ts';
import { createNewPasswordForm, type NewPasswordForm } from '../../signin/new-password-form.ts';
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
import { createRedemptionCookie, type RedemptionCookie } from '../redemption-cookie.ts';
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

interface Deps extends ResetPasswordNeeds {
  readonly fields: NewPasswordForm;
  readonly cookie: RedemptionCookie;
}

const bindingOf = (redemption: string) => `reset:${redemption}`;

export function resetPasswordRoutes(needs: ResetPasswordNeeds): Router {
  const fields = createNewPasswordForm(needs);
  const deps = { ...needs, fields, cookie: createRedemptionCookie(needs.issuer) };
  const router = new Router({ prefix: RESET_PATH });
  router.get('/', (ctx) => showChoice(deps, ctx));
  router.post('/', (ctx) => choose(deps, ctx));
  router.post('/check', (ctx) => check(deps, ctx));
  router.get('/done', (ctx) => show(deps, ctx, 'reset/done', { actions: { signIn: '/account' } }));
  router.get('/:secret', (ctx) => showLink(deps, ctx));
  router.post('/:secret', (ctx) => spendLink(deps, ctx));
  // Nobody else gets to see these addresses: they hold secrets.
  router.all('/:secret', () => {
    throw new GatehouseError('method_not_allowed', { allow: ['GET', 'HEAD', 'POST'] });
  });
  return router;
}

async function showLink(deps: Deps, ctx: Context): Promise<void> {
  const flash = deps.flashes.take(ctx, linkPlaceOf(deps, ctx));
  if (flash) return showNothing(deps, ctx, flash);
  const find = () => deps.links.find(secretOf(ctx), deps.cookie.get(ctx));
  const looked = await look(deps, ctx, find);
  if (looked.kind === 'nothing') return showNothing(deps, ctx, looked.why);
  if (looked.found === 'going-on') return redirect(ctx, RESET_PATH);
  const csrf = deps.anonymousForms.token(ctx);
  show(deps, ctx, 'reset/continue', { csrf, actions: { submit: ctx.path } });
}

async function spendLink(deps: Deps, ctx: Context): Promise<void> {
  const { anonymousForms, links, cookie } = deps;
  await anonymousForms.read(ctx);
  const looked = await look(deps, ctx, async () => {
    const redemption = await links.spend(secretOf(ctx));
    if (redemption !== undefined) return () => cookie.set(ctx, redemption);
    // The button once more, after going back: the link was redeemed in this browser.
    const found = await links.find(secretOf(ctx), cookie.get(ctx));
    return found && (() => undefined);
  });
  if (looked.kind === 'nothing') {
    deps.flashes.leave(ctx, linkPlaceOf(deps, ctx), looked.why);
    return redirect(ctx, ctx.path);
  }
  looked.found();
  redirect(ctx, RESET_PATH);
}

async function showChoice(deps: Deps, ctx: Context): Promise<void> {
  const redemption = deps.cookie.get(ctx);
  if (redemption === undefined) return showNothing(deps, ctx, VOID);
  const flash = deps.flashes.take(ctx, bindingOf(redemption));
  if (flash?.status === VOID.status) return showNothing(deps, ctx, flash);
  const looked = await look(deps, ctx, () => findHolder(deps, redemption));
  if (looked.kind === 'nothing') return showNothing(deps, ctx, looked.why);
  showForm(deps, ctx, looked.found, flash);
}

async function choose(deps: Deps, ctx: Context): Promise<void> {
  const form = await readForm(ctx);
  const redemption = deps.cookie.get(ctx);
  if (redemption === undefined) return redirect(ctx, RESET_PATH);
  const holder = await findPosted(deps, ctx, redemption, form);
  const flash = holder ? await tryPassword(deps, holder, form) : VOID;
  if (flash) {
    deps.flashes.leave(ctx, bindingOf(redemption), flash);
    return redirect(ctx, RESET_PATH);
  }
  deps.cookie.clear(ctx);
  redirect(ctx, `${RESET_PATH}/done`);
}

async function check(deps: Deps, ctx: Context): Promise<void> {
  const form = await readForm(ctx);
  const redemption = deps.cookie.get(ctx);
  const holder =
    redemption === undefined ? undefined : await findPosted(deps, ctx, redemption, form);
  if (!holder) throw new GatehouseError('flow_expired');
  deps.fields.check(ctx, holder.account, form);
}

/** @returns what the page says; undefined: it is the password now */
async function tryPassword(
  { fields, resets }: Deps,
  { redemption }: Holder,
  form: Form,
): Promise<Flash | undefined> {
  const read = fields.read(form);
  if (read.kind === 'wrong') return read.tried;
  const outcome = await resets.choose(redemption, read.password);
  if (outcome.kind === 'done') return undefined;
  return outcome.kind === 'void' ? VOID : fields.refused(outcome);
}

/** Correct secrets are never rate limited: nobody guesses 256 random bits. Wrong ones count. */
async function look<T>(deps: Deps, ctx: Context, find: () => Promise<T | undefined>) {
  const found = await find();
  if (found !== undefined) return { kind: 'found', found } as const;
  const reserved = await deps.limits.reserveLink(deps.requesterCookies.of(ctx).address);
  const attempt = await withLimitAudit(reserved, deps.audit, { method: 'link' });
  if (attempt.kind === 'limited') {
    return { kind: 'nothing', why: refusalOf(attempt, '', deps.t) } as const;
  }
  await attempt.consume();
  return NOTHING;
}

async function findHolder({ resets }: Deps, redemption: string): Promise<Holder | undefined> {
  const account = await resets.find(redemption);
  return account && { redemption, account };
}

/** Not counted as a guess: the token of the form was made for this redemption. */
async function findPosted(
  deps: Deps,
  ctx: Context,
  redemption: string,
  form: Form,
): Promise<Holder | undefined> {
  deps.csrf.assert(ctx, form, bindingOf(redemption));
  return findHolder(deps, redemption);
}

function showForm(
  deps: Deps,
  ctx: Context,
  { redemption, account }: Holder,
  flash: Flash = { status: 200 },
): void {
  const data = {
    csrf: deps.csrf.token(bindingOf(redemption)),
    account: { email: account.email },
    actions: { submit: RESET_PATH, check: `${RESET_PATH}/check` },
    ...deps.fields.data(flash.unmet),
    ...flash,
  };
  show(deps, ctx, 'reset/choose', data, flash.status);
}

function showNothing(deps: Deps, ctx: Context, { status, retryAfter, alert }: Flash): void {
  setRetryAfter(ctx, retryAfter);
  if (alert) show(deps, ctx, 'reset/limited', { alert }, status);
  else show(deps, ctx, 'reset/void', { actions: { forgot: FORGOT_PATH } }, status);
}

function show({ render }: Deps, ctx: Context, view: string, data: object, status = 200): void {
  keepForms(ctx);
  ctx.status = status;
  ctx.type = 'html';
  ctx.body = render(view, { trace: ctx.state.trace, ...data });
}

/** Where a flash for the page of a link waits. */
function linkPlaceOf({ anonymousForms }: Deps, ctx: Context): string | undefined {
  return anonymousForms.placeOf(ctx, ctx.path);
}

function secretOf(ctx: Context): string {
  return String(ctx.params.secret);
}
