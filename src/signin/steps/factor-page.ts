// Asks for a factor, and names what a person may use instead: the page of two steps.
import type { Context } from 'koa';
import type { Requester } from '../../domain/limits/requester.ts';
import type { Factor } from '../../factors/index.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Csrf } from '../../web/csrf.ts';
import type { Flash } from '../../web/flash.ts';
import { type Form, fieldErrors } from '../../web/forms.ts';
import { forgotPath, signInPath } from '../../web/redirect.ts';
import type { Render } from '../../web/render.ts';
import type { SendChallenge } from '../challenge.ts';
import { describeMalformed, notAllowedAlert, refusalOf, tooManyOf } from '../denials.ts';
import { flowContextOf } from '../flow.ts';
import { isOffered } from '../offered.ts';
import type { Prove, ProveOutcome } from '../prove.ts';
import type { Redirects } from '../redirecting.ts';
import {
  commonActions,
  commonData,
  type StepForm,
  type StepOutcome,
  type StepPage,
  type StepSubject,
} from './page.ts';
import type { Step } from './step.ts';

export interface FactorPageNeeds {
  readonly factors: readonly Factor[];
  readonly prove: Prove;
  readonly sendChallenge: SendChallenge;
  readonly redirects: Redirects;
  readonly requesterOf: (ctx: Context) => Requester;
  readonly product: string;
  /** For how long a device is remembered. */
  readonly deviceDays: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export function createFactorPage(step: Step, needs: FactorPageNeeds): StepPage {
  const ofStep = needs.factors.filter((factor) => factor.step === step.name);
  const within =
    (handle: FactorHandler): StepForm['handle'] =>
    async (ctx, subject, form) => {
      const factor = needs.factors.find(({ name }) => name === ctx.params.factor);
      if (!factor) throw new GatehouseError('not_found');
      // One of another step changes nothing: what is due is shown again.
      return ofStep.includes(factor) ? handle({ ctx, subject, form, factor }, needs) : undefined;
    };
  return {
    step,
    show: (ctx, subject, flash) => show(ctx, subject, flash, offeredIn(subject, ofStep), needs),
    forms: [
      { path: 'prove/:factor', handle: within(prove) },
      { path: 'send/:factor', handle: within(send) },
      { path: 'begin/:factor', handle: within(begin) },
    ],
  };
}

interface Posted {
  readonly ctx: Context;
  readonly subject: StepSubject;
  readonly form: Form;
  readonly factor: Factor;
}

type FactorHandler = (posted: Posted, needs: FactorPageNeeds) => Promise<StepOutcome>;

/** What the page offers, the last resort last. */
function offeredIn({ flow }: StepSubject, ofStep: readonly Factor[]): readonly Factor[] {
  const has = ofStep.filter((factor) => isOffered(flow.facts, factor));
  return has.toSorted((a, b) => Number(a.isLastResort ?? 0) - Number(b.isLastResort ?? 0));
}

async function show(
  ctx: Context,
  subject: StepSubject,
  flash: Flash | undefined,
  offered: readonly Factor[],
  needs: FactorPageNeeds,
): Promise<void> {
  const { interaction } = subject;
  const direct = offered.filter(({ redirect }) => !redirect);
  const factor = direct.find(({ name }) => name === ctx.query.method) ?? direct[0] ?? offered[0];
  if (!factor) throw new Error('nothing is offered at this step');
  const others = direct.filter((other) => other !== factor);
  ctx.status = flash?.status ?? 200;
  ctx.type = 'html';
  ctx.body = needs.render(`steps/${factor.step}`, {
    ...commonData(ctx, subject, needs.csrf),
    actions: actionsOf(subject, factor),
    values: { email: interaction.loginHint ?? '' },
    factor: await dataOf(subject, factor, ctx.query.sent === 'yes', needs),
    days: needs.deviceDays,
    others: others.map((other) => ({
      label: needs.t(other.page.link),
      href: `${signInPath(interaction)}${searchOf(other)}`,
    })),
    redirecting: offered
      .filter(({ redirect }) => redirect)
      .map(({ name, page }) => ({
        label: needs.t(page.link),
        post: `${signInPath(interaction)}/begin/${name}`,
      })),
    ...flash,
  });
}

/** What the view of a factor takes. */
async function dataOf(
  { interaction, flow, account }: StepSubject,
  { name, page, canTrust, challenge }: Factor,
  sent: boolean,
  { product, t }: FactorPageNeeds,
) {
  const offered = account && (await challenge?.offer(account, flowContextOf(flow)));
  return {
    name,
    texts: page.texts,
    view: page.view,
    scripts: page.scripts ?? [],
    title: t(page.title),
    why: t(`${page.texts}.why`, { product }),
    button: t(page.button),
    canTrust: canTrust === true,
    ...(challenge?.sending ? { sent, sendAction: `${signInPath(interaction)}/send/${name}` } : {}),
    ...offered,
  };
}

function actionsOf(subject: StepSubject, { name, page }: Factor) {
  const { interaction } = subject;
  return {
    ...commonActions(subject),
    submit: `${signInPath(interaction)}/prove/${name}`,
    ...(page.canReset ? { forgot: forgotPath(interaction) } : {}),
  };
}

/** Of the page that asks for this factor. @param sent whether a code is under way to the person */
function searchOf({ name }: Factor, sent = false): string {
  return `?method=${name}${sent ? '&sent=yes' : ''}`;
}

async function prove(
  { ctx, subject: { flow }, form, factor }: Posted,
  needs: FactorPageNeeds,
): Promise<StepOutcome> {
  const deny = (flash: Flash) => ({
    flash: { ...flash, values: { email: form.email ?? '', remember: form.remember ?? '' } },
    search: searchOf(factor, true),
  });
  const input = factor.input.safeParse(form);
  if (!input.success) {
    return deny({ status: 400, errors: fieldErrors(input.error.issues, needs.t) });
  }
  const requester = needs.requesterOf(ctx);
  const trust = form.remember === 'yes';
  const outcome = await needs.prove(flow, { factor, input: input.data, requester, trust });
  const flash = flashOf(outcome, factor, needs.t);
  return flash && deny(flash);
}

/** Undefined where the sign-in goes on. */
export function flashOf(outcome: ProveOutcome, factor: Factor, t: Translate): Flash | undefined {
  if (outcome.kind === 'proved' || outcome.kind === 'not-due') return undefined;
  if (outcome.kind === 'not-allowed') return { status: 403, alert: notAllowedAlert(outcome, t) };
  if (outcome.kind === 'malformed') {
    return { status: 422, errors: { code: describeMalformed(outcome, t) } };
  }
  return refusalOf(outcome, factor.page.texts, t);
}

async function send(
  { subject: { interaction, flow }, factor }: Posted,
  { sendChallenge, t }: FactorPageNeeds,
): Promise<StepOutcome> {
  if (!factor.challenge?.sending) throw new GatehouseError('not_found');
  const outcome = await sendChallenge(flow, factor);
  const search = searchOf(factor, true);
  if (outcome.kind === 'sent') return { to: `${signInPath(interaction)}${search}` };
  if (outcome.kind === 'not-due') return undefined;
  return { flash: tooManyOf(outcome, factor.page.texts, t), search };
}

async function begin(
  { subject: { interaction, flow }, factor }: Posted,
  { redirects, t }: FactorPageNeeds,
): Promise<StepOutcome> {
  if (!isOffered(flow.facts, factor)) return undefined;
  const to = await redirects.begin(interaction.uid, flow, factor);
  if (to !== undefined) return { to };
  return { flash: { status: 503, alert: { kind: 'error', text: t('sign-in.not-reached') } } };
}
