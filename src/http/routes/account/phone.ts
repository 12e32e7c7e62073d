// Add phone number: the number, then the code that was texted to it.
import type { Context } from 'koa';
import { readPhoneNumber } from '../../../domain/phones.ts';
import type { AddOutcome, AddPhone, SendOutcome } from '../../../signin/add-phone.ts';
import { type FactorNeeds, stateOf } from '../../../signin/factors.ts';
import type { Form } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import { refusalOf, tooManyOf } from '../../refusals.ts';
import type { Translate } from '../../texts.ts';
import type { Visitors } from '../../visitors.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';
import { ACCOUNT, type PageData, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface PhonePageNeeds extends FactorNeeds {
  readonly addPhone: AddPhone;
  readonly visitors: Visitors;
  readonly show: Show;
  readonly told: Told;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/phone`;

/** Where a number is added; undefined where there is one, or none may be had. */
export async function phonePath(
  accountId: string,
  needs: FactorNeeds & Pick<PhonePageNeeds, 'addPhone'>,
): Promise<string | undefined> {
  const { enrolled } = await stateOf(accountId, needs);
  return enrolled.length > 0 && (await needs.addPhone.isOpen(accountId)) ? PATH : undefined;
}

export function createPhonePage(needs: PhonePageNeeds) {
  const { addPhone, show, told, t } = needs;

  const showPage = (ctx: Context, present: Present, page: PageData = {}) =>
    show(ctx, present, 'account/phone', { actions: { submit: PATH }, ...page });

  const page: PageHandler = async (ctx, present) => {
    const isOpen = await phonePath(present.account.id, needs);
    return isOpen ? showPage(ctx, present) : redirect(ctx, ACCOUNT);
  };

  const submit: FormHandler = async (ctx, present, form) => {
    if (!(await phonePath(present.account.id, needs))) return redirect(ctx, ACCOUNT);
    const typed = form.phone ?? '';
    const number = readPhoneNumber(typed);
    if (number === undefined) {
      const errors = { phone: t('add-phone.wrong-number') };
      return showPage(ctx, present, { status: 400, errors, values: { phone: typed } });
    }
    return form.code === undefined
      ? send(ctx, present, number)
      : confirm(ctx, present, number, form);
  };

  const send = async (ctx: Context, { account, session }: Present, number: string) => {
    const outcome = await addPhone.send(account, number);
    showPage(ctx, { account, session }, { sentTo: number, ...limitedBy(ctx, outcome) });
  };

  const confirm = async (ctx: Context, present: Present, number: string, form: Form) => {
    const { account } = present;
    const visitor = needs.visitors.of(ctx);
    const typed = { number, code: form.code ?? '', visitor };
    const outcome = await addPhone.confirm(account, typed);
    if (outcome.kind === 'added') told.tell(ctx, 'phone-added');
    if (outcome.kind === 'added' || outcome.kind === 'void') return redirect(ctx, ACCOUNT);
    showPage(ctx, present, { sentTo: number, ...wrongBy(ctx, outcome) });
  };

  const limitedBy = (ctx: Context, outcome: SendOutcome): PageData => {
    if (outcome.kind === 'sent') return {};
    const { retryAfter, ...refusal } = tooManyOf(outcome, 'sms', t);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    return refusal;
  };

  const wrongBy = (
    ctx: Context,
    outcome: Exclude<AddOutcome, { kind: 'added' | 'void' }>,
  ): PageData => {
    if (outcome.kind === 'malformed') return { status: 422, errors: { code: t('sms.malformed') } };
    const { retryAfter, ...refusal } = refusalOf(outcome, 'sms', t);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    return refusal;
  };

  return { page, submit };
}
