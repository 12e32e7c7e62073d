// Add phone number: the number, then the code that was texted to it.
import type { Context } from 'koa';
import { readPhoneNumber } from '../../../domain/phones.ts';
import type { AddOutcome, AddPhone } from '../../../signin/add-phone.ts';
import { type FactorNeeds, stateOf } from '../../../signin/factors.ts';
import type { Flash, Flashes } from '../../flash.ts';
import type { Form } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import { refusalOf, tooManyOf } from '../../refusals.ts';
import type { Translate } from '../../texts.ts';
import type { Visitors } from '../../visitors.ts';
import { CODE_SCREEN } from '../enrolment.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';
import { ACCOUNT, placeOf, type Refuse, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface PhonePageNeeds extends FactorNeeds {
  readonly addPhone: AddPhone;
  readonly visitors: Visitors;
  readonly flashes: Flashes;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly told: Told;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/phone`;
const CODE_SEARCH = `?screen=${CODE_SCREEN}`;
const SENT_LIFETIME = 600_000;

/** Where a number is added; undefined where there is one, or none may be had. */
export async function phonePath(
  accountId: string,
  needs: FactorNeeds & Pick<PhonePageNeeds, 'addPhone'>,
): Promise<string | undefined> {
  const { enrolled } = await stateOf(accountId, needs);
  return enrolled.length > 0 && (await needs.addPhone.isOpen(accountId)) ? PATH : undefined;
}

export function createPhonePage(needs: PhonePageNeeds) {
  const { addPhone, flashes, show, refuse, told, t } = needs;

  /** The number that a code was sent to: longer than anybody takes to enter it. */
  const sentPlace = (ctx: Context, present: Present) => `${placeOf(ctx, present)}:sent`;
  const sentTo = (ctx: Context, present: Present): string | undefined =>
    ctx.query.screen === CODE_SCREEN
      ? flashes.read(ctx, sentPlace(ctx, present))?.values?.phone
      : undefined;

  const page: PageHandler = async (ctx, present) => {
    if (!(await phonePath(present.account.id, needs))) return redirect(ctx, ACCOUNT);
    const number = sentTo(ctx, present);
    const actions = { submit: PATH };
    show(ctx, present, 'account/phone', number ? { actions, sentTo: number } : { actions });
  };

  const showCodeScreen = (ctx: Context, present: Present, number: string, flash?: Flash) => {
    const sent = { status: 200, values: { phone: number } };
    flashes.leave(ctx, sentPlace(ctx, present), sent, SENT_LIFETIME);
    if (flash) return refuse(ctx, present, flash, CODE_SEARCH);
    redirect(ctx, `${PATH}${CODE_SEARCH}`);
  };

  const submit: FormHandler = async (ctx, present, form) => {
    if (!(await phonePath(present.account.id, needs))) return redirect(ctx, ACCOUNT);
    const typed = form.phone ?? '';
    const number = readPhoneNumber(typed);
    if (number === undefined) {
      const errors = { phone: t('add-phone.wrong-number') };
      return refuse(ctx, present, { status: 400, errors, values: { phone: typed } });
    }
    return form.code === undefined
      ? send(ctx, present, number)
      : confirm(ctx, present, number, form);
  };

  const send = async (ctx: Context, present: Present, number: string) => {
    const outcome = await addPhone.send(present.account, number);
    const flash = outcome.kind === 'sent' ? undefined : tooManyOf(outcome, 'sms', t);
    showCodeScreen(ctx, present, number, flash);
  };

  const confirm = async (ctx: Context, present: Present, number: string, form: Form) => {
    const { account } = present;
    const visitor = needs.visitors.of(ctx);
    const typed = { number, code: form.code ?? '', visitor };
    const outcome = await addPhone.confirm(account, typed);
    if (outcome.kind === 'added') told.tell(ctx, 'phone-added');
    if (outcome.kind === 'added' || outcome.kind === 'void') return redirect(ctx, ACCOUNT);
    showCodeScreen(ctx, present, number, wrongBy(outcome));
  };

  const wrongBy = (outcome: Exclude<AddOutcome, { kind: 'added' | 'void' }>): Flash =>
    outcome.kind === 'malformed'
      ? { status: 422, errors: { code: t('sms.malformed') } }
      : refusalOf(outcome, 'sms', t);

  return { page, submit };
}
