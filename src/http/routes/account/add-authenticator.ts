// One more authenticator beside those there are; the first one is a matter of the sign-in.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import type { Method } from '../../../methods/index.ts';
import type { AccountCredentials } from '../../../signin/credentials.ts';
import type { Enrol, EnrolOutcome } from '../../../signin/enrol.ts';
import { type FactorNeeds, stateOf } from '../../../signin/factors.ts';
import type { Flash } from '../../flash.ts';
import { fieldErrors } from '../../forms.ts';
import { redirect } from '../../redirect.ts';
import { wrongInWords } from '../../refusals.ts';
import type { Translate } from '../../texts.ts';
import { CODE_SCREEN } from '../enrolment.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';
import { SET_UP } from './set-up.ts';
import { ACCOUNT, type Refuse, type Show } from './site.ts';
import type { Told } from './told.ts';

export interface AddPageNeeds extends FactorNeeds {
  readonly credentials: AccountCredentials;
  readonly enrol: Enrol;
  readonly show: Show;
  readonly refuse: Refuse;
  readonly told: Told;
  readonly t: Translate;
}

const PATH = `${ACCOUNT}/authenticators/add`;

type Enrolling = Method & Required<Pick<Method, 'enrolment' | 'credentials'>>;

const isEnrolling = (method: Method): method is Enrolling =>
  method.enrolment !== undefined && method.credentials !== undefined;

/** Where one more is added; undefined where there is room for none. */
export async function addPath(
  accountId: string,
  needs: FactorNeeds & Pick<AddPageNeeds, 'credentials'>,
): Promise<string | undefined> {
  if (!(await isEnrolled(accountId, needs))) return SET_UP;
  for (const method of needs.methods.filter(isEnrolling)) {
    if (await needs.credentials.hasRoom(accountId, method)) return `${PATH}/${method.name}`;
  }
  return undefined;
}

async function isEnrolled(accountId: string, needs: FactorNeeds): Promise<boolean> {
  return (await stateOf(accountId, needs)).enrolled.length > 0;
}

export function createAddPage(needs: AddPageNeeds) {
  const { methods, credentials, enrol, show, refuse, told, t } = needs;

  const getMethod = ({ params }: Context): Enrolling => {
    const found = methods.filter(isEnrolling).find(({ name }) => name === params.method);
    if (!found) throw new GatehouseError('not_found');
    return found;
  };

  /** Without any, the first one brings backup codes along; with all there may be, none is added. */
  const elsewhere = async ({ account }: Present, method: Method): Promise<string | undefined> => {
    if (!(await isEnrolled(account.id, needs))) return SET_UP;
    return (await credentials.hasRoom(account.id, method)) ? undefined : ACCOUNT;
  };

  const showSetup = async (ctx: Context, present: Present) => {
    const { enrolment } = getMethod(ctx);
    const actions = { submit: ctx.path, next: ctx.path, back: ctx.path };
    if (ctx.query.screen === CODE_SCREEN) {
      return show(ctx, present, 'account/add-code', { actions });
    }
    const setup = await enrolment.offer(present.account, occasionOf(present));
    show(ctx, present, 'account/add-authenticator', { setup, actions });
  };

  const page: PageHandler = async (ctx, present) => {
    const other = await elsewhere(present, getMethod(ctx));
    return other ? redirect(ctx, other) : showSetup(ctx, present);
  };

  const submit: FormHandler = async (ctx, present, form) => {
    const method = getMethod(ctx);
    const other = await elsewhere(present, method);
    if (other) return redirect(ctx, other);
    const turnDown = (flash: Flash) =>
      refuse(
        ctx,
        present,
        { ...flash, values: { device_name: form.device_name ?? '' } },
        `?screen=${CODE_SCREEN}`,
      );
    const read = method.enrolment.input.safeParse(form);
    if (!read.success) {
      return turnDown({ status: 400, errors: fieldErrors(read.error.issues, t) });
    }
    const given = { method, input: read.data };
    const outcome = await enrol.add(present.account, occasionOf(present), given);
    if (outcome.kind === 'malformed') {
      return turnDown({ status: 422, errors: { code: t(outcome.flaw) } });
    }
    if (outcome.kind === 'refused') {
      const text = wrongInWords(outcome.hint, method.page.texts, t);
      return turnDown({ status: 422, alert: { kind: 'error', text } });
    }
    goOn(ctx, outcome);
  };

  const goOn = (ctx: Context, { kind }: EnrolOutcome) => {
    if (kind === 'enrolled') told.tell(ctx, 'authenticator-added');
    redirect(ctx, ACCOUNT);
  };

  return { page, submit };
}

/** A secret that was shown counts once, until somebody proves anew who they are, and never after. */
function occasionOf({ account, session: { uid, generation, provedAt } }: Present): string {
  return `session ${uid} ${generation} ${account.factorsRevision} ${provedAt}`;
}
