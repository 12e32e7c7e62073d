// One more authenticator beside those there are; the first one is a matter of the sign-in.
import type { Context } from 'koa';
import type { Factor } from '../../../factors/index.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { AccountCredentials } from '../../../signin/credentials.ts';
import type { Enrol, EnrolOutcome } from '../../../signin/enrol.ts';
import { type FactorStateNeeds, stateOf } from '../../../signin/factor-state.ts';
import type { Translate } from '../../catalogue.ts';
import type { Flash } from '../../flash.ts';
import { fieldErrors } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import { describeWrong } from '../../refusals.ts';
import { CODE_SCREEN } from '../enrolment.ts';
import type { FlashMessages } from './flash-messages.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import { SET_UP } from './set-up.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';

export interface AddPageNeeds extends FactorStateNeeds {
  readonly credentials: AccountCredentials;
  readonly enrol: Enrol;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly flashMessages: FlashMessages;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/authenticators/add`;

type Enrolling = Factor & Required<Pick<Factor, 'enrolment' | 'credentials'>>;

const isEnrolling = (factor: Factor): factor is Enrolling =>
  factor.enrolment !== undefined && factor.credentials !== undefined;

/** Where one more is added; undefined where there is room for none. */
export async function addPath(
  accountId: string,
  needs: FactorStateNeeds & Pick<AddPageNeeds, 'credentials'>,
): Promise<string | undefined> {
  if (!(await isEnrolled(accountId, needs))) return SET_UP;
  for (const factor of needs.factors.filter(isEnrolling)) {
    if (await needs.credentials.hasRoom(accountId, factor)) return `${PATH}/${factor.name}`;
  }
  return undefined;
}

async function isEnrolled(accountId: string, needs: FactorStateNeeds): Promise<boolean> {
  return (await stateOf(accountId, needs)).enrolled.length > 0;
}

export function createAddPage(needs: AddPageNeeds) {
  const { factors, credentials, enrol, show, refuse, flashMessages, t } = needs;

  const getMethod = ({ params }: Context): Enrolling => {
    const found = factors.filter(isEnrolling).find(({ name }) => name === params.method);
    if (!found) throw new GatehouseError('not_found');
    return found;
  };

  /** Without any, the first one brings backup codes along; with all there may be, none is added. */
  const elsewhere = async ({ account }: SignedIn, factor: Factor): Promise<string | undefined> => {
    if (!(await isEnrolled(account.id, needs))) return SET_UP;
    return (await credentials.hasRoom(account.id, factor)) ? undefined : ACCOUNT;
  };

  const showSetup = async (ctx: Context, signedIn: SignedIn) => {
    const { enrolment } = getMethod(ctx);
    const actions = { submit: ctx.path, next: ctx.path, back: ctx.path };
    if (ctx.query.screen === CODE_SCREEN) {
      return show(ctx, signedIn, 'account/add-code', { actions });
    }
    const setup = await enrolment.offer(signedIn.account, offerContextOf(signedIn));
    show(ctx, signedIn, 'account/add-authenticator', { setup, actions });
  };

  const page: PageHandler = async (ctx, signedIn) => {
    const other = await elsewhere(signedIn, getMethod(ctx));
    return other ? redirect(ctx, other) : showSetup(ctx, signedIn);
  };

  const submit: FormHandler = async (ctx, signedIn, form) => {
    const factor = getMethod(ctx);
    const other = await elsewhere(signedIn, factor);
    if (other) return redirect(ctx, other);
    const turnDown = (flash: Flash) =>
      refuse(
        ctx,
        signedIn,
        { ...flash, values: { device_name: form.device_name ?? '' } },
        `?screen=${CODE_SCREEN}`,
      );
    const read = factor.enrolment.input.safeParse(form);
    if (!read.success) {
      return turnDown({ status: 400, errors: fieldErrors(read.error.issues, t) });
    }
    const given = { factor, input: read.data };
    const outcome = await enrol.add(signedIn.account, offerContextOf(signedIn), given);
    if (outcome.kind === 'malformed') {
      return turnDown({ status: 422, errors: { code: t(outcome.flaw) } });
    }
    if (outcome.kind === 'refused') {
      const text = describeWrong(outcome.hint, factor.page.texts, t);
      return turnDown({ status: 422, alert: { kind: 'error', text } });
    }
    proceed(ctx, outcome);
  };

  const proceed = (ctx: Context, { kind }: EnrolOutcome) => {
    if (kind === 'enrolled') flashMessages.leave(ctx, 'authenticator-added');
    redirect(ctx, ACCOUNT);
  };

  return { page, submit };
}

/** A secret that was shown counts once, until somebody proves anew who they are, and never after. */
function offerContextOf({ account, session: { uid, generation, provedAt } }: SignedIn): string {
  return `session ${uid} ${generation} ${account.factorsRevision} ${provedAt}`;
}
