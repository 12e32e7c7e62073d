// One more factor beside those there are; the first one is a matter of the sign-in.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import {
  type AccountCredentials,
  type Enrolling,
  isEnrolling,
} from '../../../signin/credentials.ts';
import type { Enrol } from '../../../signin/enrol.ts';
import { createEnrolmentForms, isCodeScreen, searchFor } from '../../../signin/enrolment-forms.ts';
import { type FactorStateNeeds, stateOf } from '../../../signin/factor-state.ts';
import type { Account } from '../../../store/accounts.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Flashes } from '../../../web/flash.ts';
import { redirect } from '../../../web/redirect.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { SET_UP } from './set-up.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';

export interface AddPageNeeds extends FactorStateNeeds {
  readonly credentials: AccountCredentials;
  readonly enrol: Enrol;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

export const ADD_PATH = `${ACCOUNT}/authenticators/add`;
const pathOf = ({ name }: Enrolling) => `${ADD_PATH}/${name}`;

/** What may be added, and where. Without any factor, setting up the first one is all there is. */
export async function addLinks(
  account: Account,
  needs: FactorStateNeeds & Pick<AddPageNeeds, 'credentials' | 't'>,
): Promise<ReadonlyArray<{ readonly label: string; readonly href: string }>> {
  const { t } = needs;
  const { enrolled } = await stateOf(account.id, needs);
  if (enrolled.length === 0) return [{ label: t('account.authenticators.add'), href: SET_UP }];
  const all = needs.factors.filter(isEnrolling);
  const isOpen = await Promise.all(all.map((factor) => hasRoom(account, factor, needs)));
  return all
    .filter((_, index) => isOpen[index])
    .map((factor) => ({ label: t(`${factor.enrolment.page.texts}.add`), href: pathOf(factor) }));
}

async function hasRoom(
  { id }: Account,
  factor: Enrolling,
  { credentials }: Pick<AddPageNeeds, 'credentials'>,
): Promise<boolean> {
  const isOffered = (await factor.enrolment.isOffered?.(id)) ?? true;
  return isOffered && (await credentials.hasRoom(id, factor));
}

export function createAddPage(needs: AddPageNeeds) {
  const { enrol, show, refuse, flashMessages } = needs;
  const forms = createEnrolmentForms(needs);

  const get = ({ params }: Context): Enrolling => {
    const found = needs.factors.filter(isEnrolling).find(({ name }) => name === params.factor);
    if (!found) throw new GatehouseError('not_found');
    return found;
  };
  const placeOf = ({ session }: SignedIn, factor: Enrolling) =>
    forms.placeOf(`account:${session.uid}`, factor);

  /** Where somebody goes who can't add it. */
  const elsewhere = async ({ account }: SignedIn, factor: Enrolling) => {
    const { enrolled } = await stateOf(account.id, needs);
    if (enrolled.length === 0) return SET_UP;
    return (await hasRoom(account, factor, needs)) ? undefined : ACCOUNT;
  };

  const page: PageHandler = async (ctx, signedIn) => {
    const factor = get(ctx);
    const other = await elsewhere(signedIn, factor);
    if (other) return redirect(ctx, other);
    const path = pathOf(factor);
    const { account } = signedIn;
    const context = contextOf(signedIn);
    const shown = { ctx, factor, account, context, place: placeOf(signedIn, factor) };
    const view = isCodeScreen(ctx) ? 'account/add-factor-code' : 'account/add-factor';
    show(ctx, signedIn, view, {
      ...(await forms.data(shown)),
      actions: { submit: path, start: `${path}/start`, next: path, back: path },
    });
  };

  const start: FormHandler = async (ctx, signedIn, form) => {
    const factor = get(ctx);
    const other = await elsewhere(signedIn, factor);
    if (other) return redirect(ctx, other);
    const { account } = signedIn;
    const place = placeOf(signedIn, factor);
    const denied = await forms.start({ ctx, factor, account, form, place });
    const path = pathOf(factor);
    if (denied) return refuse(ctx, signedIn, denied.flash, denied.search, path);
    redirect(ctx, `${path}${searchFor(factor, true)}`);
  };

  const submit: FormHandler = async (ctx, signedIn, form) => {
    const factor = get(ctx);
    const other = await elsewhere(signedIn, factor);
    if (other) return redirect(ctx, other);
    const requester = needs.requesterCookies.of(ctx);
    const denied = await forms.confirm(factor, form, async (input) => {
      const given = { factor, input, requester };
      const outcome = await enrol.add(signedIn.account, contextOf(signedIn), given);
      if (outcome.kind === 'enrolled') flashMessages.leave(ctx, 'factor-added');
      return outcome;
    });
    if (denied) return refuse(ctx, signedIn, denied.flash, denied.search);
    redirect(ctx, ACCOUNT);
  };

  return { page, start, submit };
}

/** A secret that was shown counts once, until somebody proves anew who they are, and never after. */
function contextOf({ account, session: { uid, generation, provedAt } }: SignedIn): string {
  return `session ${uid} ${generation} ${account.factorsRevision} ${provedAt}`;
}
