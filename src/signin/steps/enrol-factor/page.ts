// Set up two-factor authentication: two screens for each factor, a choice of them, and `Remind me later`.
import type { Context } from 'koa';
import type { Requester } from '../../../domain/limits/requester.ts';
import type { Sessions } from '../../../domain/sessions/sessions.ts';
import type { Factor } from '../../../factors/index.ts';
import { now } from '../../../lib/clock.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { BrowserSessions } from '../../../oidc/browser-sessions.ts';
import type { Account } from '../../../store/accounts.ts';
import type { Store } from '../../../store/store.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Csrf } from '../../../web/csrf.ts';
import type { Flash, Flashes } from '../../../web/flash.ts';
import type { Form } from '../../../web/forms.ts';
import { signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import { dateOf, daysUntil } from '../../../web/times.ts';
import { type Enrolling, isEnrolling } from '../../credentials.ts';
import type { Enrol } from '../../enrol.ts';
import {
  createEnrolmentForms,
  type EnrolmentForms,
  isCodeScreen,
  searchFor,
} from '../../enrolment-forms.ts';
import { type Flow, type Flows, flowContextOf } from '../../flow.ts';
import {
  commonActions,
  commonData,
  type KnownSubject,
  known,
  type StepOutcome,
  type StepPage,
  type StepSubject,
} from '../page.ts';
import { enrolFactor, isMoreWanted } from './step.ts';

export interface EnrolmentNeeds {
  readonly store: Store;
  readonly flows: Flows;
  readonly flashes: Flashes;
  readonly factors: readonly Factor[];
  readonly browserSessions: BrowserSessions;
  readonly sessions: Pick<Sessions, 'list'>;
  readonly enrol: Enrol;
  readonly requesterOf: (ctx: Context) => Requester;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

interface Deps extends EnrolmentNeeds {
  readonly forms: EnrolmentForms;
}

export function createEnrolmentPage(needs: EnrolmentNeeds): StepPage {
  const deps = { ...needs, forms: createEnrolmentForms(needs) };
  return {
    step: enrolFactor,
    show: (ctx, subject, flash) => show(ctx, known(subject), flash, deps),
    forms: [
      { path: 'enrol/:factor', handle: (ctx, ...args) => submit(ctx, ...args, deps) },
      { path: 'enrol/:factor/start', handle: (ctx, ...args) => start(ctx, ...args, deps) },
      { path: 'enrol-later', handle: (_ctx, { flow }) => later(flow, needs) },
    ],
  };
}

async function offeredTo({ id }: Account, { factors }: EnrolmentNeeds): Promise<Enrolling[]> {
  const enrolling = factors.filter(isEnrolling);
  const isOffered = await Promise.all(
    enrolling.map(({ enrolment }) => enrolment.isOffered?.(id) ?? true),
  );
  return enrolling.filter((_, index) => isOffered[index]);
}

async function show(
  ctx: Context,
  subject: KnownSubject,
  flash: Flash | undefined,
  deps: Deps,
): Promise<void> {
  const { account, flow, interaction } = subject;
  const offered = await offeredTo(account, deps);
  const factor = offered.find(({ name }) => name === ctx.query.method) ?? offered[0];
  if (!factor) throw new Error('no factor can be enrolled');
  const isCode = isCodeScreen(ctx);
  const place = deps.forms.placeOf(interaction.formBinding, factor);
  const shown = { ctx, factor, account, context: flowContextOf(flow), place };
  ctx.status = flash?.status ?? 200;
  ctx.type = 'html';
  ctx.body = deps.render(isCode ? 'steps/enrol-code' : 'steps/enrol-factor', {
    ...commonData(ctx, subject, deps.csrf),
    ...graceOf(flow),
    actions: actionsOf(subject, factor),
    ...(await deps.forms.data(shown)),
    others: offered
      .filter((other) => other !== factor)
      .map((other) => ({
        label: deps.t(`${other.enrolment.page.texts}.instead`),
        href: `${signInPath(interaction)}${searchFor(other)}`,
      })),
    ...(isCode ? { endsOthers: await endsOthers(ctx, account, deps) } : {}),
    ...flash,
  });
}

function get({ params }: Context, { factors }: EnrolmentNeeds): Enrolling {
  const factor = factors.filter(isEnrolling).find(({ name }) => name === params.factor);
  if (!factor) throw new GatehouseError('not_found');
  return factor;
}

async function start(
  ctx: Context,
  subject: StepSubject,
  form: Form,
  deps: Deps,
): Promise<StepOutcome> {
  const { account, interaction } = known(subject);
  const factor = get(ctx, deps);
  const place = deps.forms.placeOf(interaction.formBinding, factor);
  const denied = await deps.forms.start({ ctx, factor, account, form, place });
  return denied ?? { to: `${signInPath(interaction)}${searchFor(factor, true)}` };
}

async function submit(
  ctx: Context,
  subject: StepSubject,
  form: Form,
  deps: Deps,
): Promise<StepOutcome> {
  const factor = get(ctx, deps);
  const { account } = known(subject);
  const session = await sessionOf(ctx, account, deps);
  const requester = deps.requesterOf(ctx);
  return deps.forms.confirm(factor, form, (input) =>
    deps.enrol.inFlow(subject.flow, { factor, input, requester, session }),
  );
}

async function sessionOf(
  ctx: Context,
  { id }: Account,
  { browserSessions }: EnrolmentNeeds,
): Promise<string | undefined> {
  const found = await browserSessions.find(ctx);
  return found?.accountId === id ? found.uid : undefined;
}

async function endsOthers(ctx: Context, account: Account, needs: EnrolmentNeeds): Promise<boolean> {
  const own = await sessionOf(ctx, account, needs);
  return (await needs.sessions.list(account.id)).some(({ uid }) => uid !== own);
}

async function later(flow: Flow, { store, flows }: EnrolmentNeeds): Promise<undefined> {
  if (graceUntil(flow) !== undefined) await store.commit([flows.postpone(flow)]);
}

/** Where there is a choice: what is asked for may make enrolment due immediately, and so does time. */
function graceUntil({ facts }: Flow): number | undefined {
  const { grace } = facts;
  if (grace.kind !== 'running' || isMoreWanted(facts)) return undefined;
  return grace.until > now() ? grace.until : undefined;
}

function graceOf(flow: Flow) {
  const until = graceUntil(flow);
  return until === undefined ? {} : { grace: { days: daysUntil(until), date: dateOf(until) } };
}

function actionsOf(subject: KnownSubject, factor: Enrolling) {
  const path = signInPath(subject.interaction);
  return {
    ...commonActions(subject),
    submit: `${path}/enrol/${factor.name}`,
    start: `${path}/enrol/${factor.name}/start`,
    next: path,
    back: `${path}${searchFor(factor)}`,
    ...(graceUntil(subject.flow) === undefined ? {} : { later: `${path}/enrol-later` }),
  };
}
