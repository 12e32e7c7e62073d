// Set up two-factor authentication: the page of the step, its form, and `Remind me later`.
import type { Context } from 'koa';
import type { Sessions } from '../../domain/sessions/sessions.ts';
import type { Factor } from '../../factors/index.ts';
import { now } from '../../lib/clock.ts';
import type { BrowserSessions } from '../../oidc/browser-sessions.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import { type Enrol, offerContextOf } from '../../signin/enrol.ts';
import type { Flow, Flows } from '../../signin/flow.ts';
import { isMoreWanted } from '../../signin/steps/enrol-factor.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Account } from '../../store/accounts.ts';
import type { Store } from '../../store/store.ts';
import type { Translate } from '../catalogue.ts';
import type { Csrf } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import { type Form, fieldErrors } from '../forms.ts';
import { signInPath } from '../redirect.ts';
import { describeWrong } from '../refusals.ts';
import type { Render } from '../render.ts';
import { dateOf, daysUntil } from '../times.ts';

export interface EnrolmentNeeds {
  readonly store: Store;
  readonly flows: Flows;
  readonly factors: readonly Factor[];
  readonly browserSessions: BrowserSessions;
  readonly sessions: Pick<Sessions, 'list'>;
  readonly enrol: Enrol;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export interface StepSubject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  readonly account: Account;
}

/** `?screen=code` asks for the first code; without it, the page shows what to scan. */
export const CODE_SCREEN = 'code';

export function createEnrolmentPage(needs: EnrolmentNeeds) {
  const { factors, render, t } = needs;
  const factor = factors.find((each) => each.enrolment);

  const show = async (
    ctx: Context,
    subject: StepSubject,
    flash: Flash | undefined,
  ): Promise<void> => {
    const { flow, account } = subject;
    ctx.status = flash?.status ?? 200;
    ctx.type = 'html';
    const page = {
      trace: ctx.state.trace,
      ...pageOf(subject, factor?.name ?? '', needs),
      ...flash,
    };
    if (ctx.query.screen === CODE_SCREEN) {
      ctx.body = render('steps/enrol-code', {
        ...page,
        endsOthers: await endsOthers(ctx, account),
      });
      return;
    }
    const setup = await factor?.enrolment?.offer(account, offerContextOf(flow));
    ctx.body = render('steps/enrol-factor', { ...page, setup });
  };

  const sessionOf = async (ctx: Context, { id }: Account): Promise<string | undefined> => {
    const present = await needs.browserSessions.find(ctx);
    return present?.accountId === id ? present.uid : undefined;
  };

  const endsOthers = async (ctx: Context, account: Account): Promise<boolean> => {
    const own = await sessionOf(ctx, account);
    return (await needs.sessions.list(account.id)).some(({ uid }) => uid !== own);
  };

  const submit = async (ctx: Context, subject: StepSubject, form: Form) => {
    if (!factor?.enrolment) return undefined;
    const values = { device_name: form.device_name ?? '' };
    const refused = (flash: Flash) => ({
      flash: { ...flash, values },
      search: `?screen=${CODE_SCREEN}`,
    });
    const read = factor.enrolment.input.safeParse(form);
    if (!read.success) {
      return refused({ status: 400, errors: fieldErrors(read.error.issues, t) });
    }
    const session = await sessionOf(ctx, subject.account);
    const outcome = await needs.enrol.inFlow(subject.flow, { factor, input: read.data, session });
    if (outcome.kind === 'malformed') {
      return refused({ status: 422, errors: { code: t(outcome.flaw) } });
    }
    if (outcome.kind !== 'refused') return undefined;
    const text = describeWrong(outcome.hint, factor.page.texts, t);
    return refused({ status: 422, alert: { kind: 'error', text } });
  };

  const later = async (_ctx: Context, { flow }: StepSubject): Promise<undefined> => {
    if (graceOf(flow)) await needs.store.commit([needs.flows.postpone(flow)]);
  };

  return { show, submit, later };
}

/** Where there is a choice: what is asked for may make enrolment due at once, and so does time. */
function graceOf({ facts }: Flow): number | undefined {
  const { grace } = facts;
  if (grace.kind !== 'running' || isMoreWanted(facts)) return undefined;
  return grace.until > now() ? grace.until : undefined;
}

function pageOf(
  { interaction, flow, account }: StepSubject,
  method: string,
  { csrf }: EnrolmentNeeds,
) {
  const path = signInPath(interaction);
  const until = graceOf(flow);
  return {
    client: interaction.client,
    csrf: csrf.token(interaction.formBinding),
    progress: progressOf(flow.facts),
    account: { email: account.email, name: account.name },
    actions: {
      submit: `${path}/enrol/${method}`,
      next: path,
      back: path,
      cancel: `${path}/cancel`,
      switch: `${path}/switch`,
      ...(until === undefined ? {} : { later: `${path}/enrol-later` }),
    },
    ...(until === undefined ? {} : { grace: { days: daysUntil(until), date: dateOf(until) } }),
  };
}
