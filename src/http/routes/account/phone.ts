// Add phone number: the number, then the code that was texted to it.
import type { Context } from 'koa';
import { readPhoneNumber } from '../../../factors/index.ts';
import type { AddOutcome, AddPhone } from '../../../signin/add-phone.ts';
import { type FactorStateNeeds, stateOf } from '../../../signin/factor-state.ts';
import type { Translate } from '../../catalogue.ts';
import type { Flash, Flashes } from '../../flash.ts';
import type { Form } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import { refusalOf, tooManyOf } from '../../refusals.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import { CODE_SCREEN } from '../enrolment.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { ACCOUNT, placeOf, type Refuse, type Show } from './site.ts';

export interface PhonePageNeeds extends FactorStateNeeds {
  readonly addPhone: AddPhone;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/phone`;
const CODE_SEARCH = `?screen=${CODE_SCREEN}`;
const SENT_LIFETIME = 600_000;

/** Where a number is added; undefined where there is one, or none may be had. */
export async function phonePath(
  accountId: string,
  needs: FactorStateNeeds & Pick<PhonePageNeeds, 'addPhone'>,
): Promise<string | undefined> {
  const { enrolled } = await stateOf(accountId, needs);
  return enrolled.length > 0 && (await needs.addPhone.isOpen(accountId)) ? PATH : undefined;
}

export function createPhonePage(needs: PhonePageNeeds) {
  const { addPhone, flashes, show, refuse, flashMessages, t } = needs;

  /** The number that a code was sent to: longer than anybody takes to enter it. */
  const sentPlace = (ctx: Context, signedIn: SignedIn) => `${placeOf(ctx, signedIn)}:sent`;
  const sentTo = (ctx: Context, signedIn: SignedIn): string | undefined =>
    ctx.query.screen === CODE_SCREEN
      ? flashes.read(ctx, sentPlace(ctx, signedIn))?.values?.phone
      : undefined;

  const page: PageHandler = async (ctx, signedIn) => {
    if (!(await phonePath(signedIn.account.id, needs))) return redirect(ctx, ACCOUNT);
    const number = sentTo(ctx, signedIn);
    const actions = { submit: PATH };
    show(ctx, signedIn, 'account/phone', number ? { actions, sentTo: number } : { actions });
  };

  const showCodeScreen = (ctx: Context, signedIn: SignedIn, number: string, flash?: Flash) => {
    const sent = { status: 200, values: { phone: number } };
    flashes.leave(ctx, sentPlace(ctx, signedIn), sent, SENT_LIFETIME);
    if (flash) return refuse(ctx, signedIn, flash, CODE_SEARCH);
    redirect(ctx, `${PATH}${CODE_SEARCH}`);
  };

  const submit: FormHandler = async (ctx, signedIn, form) => {
    if (!(await phonePath(signedIn.account.id, needs))) return redirect(ctx, ACCOUNT);
    const typed = form.phone ?? '';
    const number = readPhoneNumber(typed);
    if (number === undefined) {
      const errors = { phone: t('add-phone.wrong-number') };
      return refuse(ctx, signedIn, { status: 400, errors, values: { phone: typed } });
    }
    return form.code === undefined
      ? send(ctx, signedIn, number)
      : confirm(ctx, signedIn, number, form);
  };

  const send = async (ctx: Context, signedIn: SignedIn, number: string) => {
    const outcome = await addPhone.send(signedIn.account, number);
    const flash = outcome.kind === 'sent' ? undefined : tooManyOf(outcome, 'sms', t);
    showCodeScreen(ctx, signedIn, number, flash);
  };

  const confirm = async (ctx: Context, signedIn: SignedIn, number: string, form: Form) => {
    const { account } = signedIn;
    const requester = needs.requesterCookies.of(ctx);
    const typed = { number, code: form.code ?? '', requester };
    const outcome = await addPhone.confirm(account, typed);
    if (outcome.kind === 'added') flashMessages.leave(ctx, 'phone-added');
    if (outcome.kind === 'added' || outcome.kind === 'void') return redirect(ctx, ACCOUNT);
    showCodeScreen(ctx, signedIn, number, wrongBy(outcome));
  };

  const wrongBy = (outcome: Exclude<AddOutcome, { kind: 'added' | 'void' }>): Flash =>
    outcome.kind === 'malformed'
      ? { status: 422, errors: { code: t('sms.malformed') } }
      : refusalOf(outcome, 'sms', t);

  return { page, submit };
}
