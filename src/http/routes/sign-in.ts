// The hosted sign-in: one address for each authorization request, which shows the step that is due.
import Router from '@koa/router';
import type { Context } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import type { Method } from '../../methods/index.ts';
import type { BrowserSessions } from '../../oidc/browser-sessions.ts';
import { FIRST_VISIT, SIGN_IN_PATH } from '../../oidc/configuration.ts';
import type { FoundInteraction, Interaction, Interactions } from '../../oidc/interactions.ts';
import type { SignInAudit } from '../../signin/audit-events.ts';
import type { SendChallenge } from '../../signin/challenge.ts';
import type { Door, Finish } from '../../signin/finish.ts';
import type { Flow, FlowsDomain } from '../../signin/flow.ts';
import type { FindKnown } from '../../signin/known.ts';
import type { Prove } from '../../signin/prove.ts';
import { dueStep, progressOf, type Step } from '../../signin/steps/index.ts';
import { type Form, fieldErrors, readForm } from '../forms.ts';
import { forgotPath, redirect, signInPath } from '../redirect.ts';
import {
  type Alert,
  malformedInWords,
  notAllowedAlert,
  refusalOf,
  tooManyOf,
} from '../refusals.ts';
import type { Visitors } from '../visitors.ts';
import { type BackupCodesNeeds, createBackupCodesPages } from './backup-codes.ts';
import { type ConsentNeeds, createConsentPage } from './consent.ts';
import { createEnrolmentPage, type EnrolmentNeeds, type StepSubject } from './enrolment.ts';
import { createNewPasswordPage, type NewPasswordNeeds } from './new-password.ts';

export interface SignInNeeds
  extends ConsentNeeds,
    NewPasswordNeeds,
    EnrolmentNeeds,
    BackupCodesNeeds {
  readonly interactions: Interactions;
  readonly browserSessions: BrowserSessions;
  readonly flows: FlowsDomain;
  readonly methods: readonly Method[];
  readonly prove: Prove;
  readonly finish: Finish;
  readonly signInAudit: SignInAudit;
  readonly findKnown: FindKnown;
  readonly sendChallenge: SendChallenge;
  readonly visitors: Visitors;
  /** For how long a device is remembered. */
  readonly deviceDays: number;
  /** How many sign-ins of one browser may be open. */
  readonly givenUpAfter: number;
  /** Where `Start again` leads when the authorization request is gone. */
  readonly entranceOf: (clientId: string) => Promise<string | undefined>;
}

type NotHere = Exclude<FoundInteraction, { readonly kind: 'found' }>;

interface Page {
  /** The code has been sent: there is one to enter. */
  readonly sent?: boolean;
  readonly status?: number;
  readonly alert?: Alert;
  readonly errors?: Readonly<Record<string, string>>;
  readonly values?: Readonly<Record<string, string>>;
}

type Handler = (ctx: Context, interaction: Interaction) => Promise<void>;
/** @returns whether the step is over, or was not due */
type StepHandler = (ctx: Context, subject: StepSubject, form: Form) => Promise<boolean>;
type FormHandler = (ctx: Context, interaction: Interaction, form: Form) => Promise<void>;

export function signInRoutes(needs: SignInNeeds): Router {
  const { flows, interactions, methods, render, t } = needs;
  const consent = createConsentPage(needs);
  const newPassword = createNewPasswordPage(needs);
  const enrolment = createEnrolmentPage(needs);
  const backupCodes = createBackupCodesPages(needs);

  const findOrOpen = (interaction: Interaction) =>
    flows.findOrOpen({ ...interaction, findKnown: () => needs.findKnown(interaction.stepUp) });

  const show = (ctx: Context, view: string, data: object, status = 200) => {
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };

  const showGone = async (ctx: Context, uid: string, found: NotHere) => {
    const opened = await flows.findRow(interactions.keyOf(uid));
    // Nobody has seen a page of it.
    if (found.kind === 'overtaken' && !opened) return redirect(ctx, found.again);
    const clientId = found.kind === 'given-up' ? found.clientId : opened?.clientId;
    const restartHref = clientId && (await needs.entranceOf(clientId));
    if (found.kind === 'gone') return show(ctx, 'expired', { restartHref }, 410);
    if (found.kind !== 'given-up') return show(ctx, 'cookies', { restartHref }, 400);
    ctx.state.problem = 'sign_in_given_up';
    show(ctx, 'expired', { restartHref, givenUpAfter: needs.givenUpAfter }, 410);
  };

  const withInteraction = (handle: Handler) => async (ctx: Context) => {
    const uid = String(ctx.params.uid);
    const found = await interactions.find(ctx, uid);
    if (found.kind === 'found') return handle(ctx, found.interaction);
    return showGone(ctx, uid, found);
  };

  const withForm = (handle: FormHandler) =>
    withInteraction(async (ctx, interaction) => {
      const form = await readForm(ctx);
      needs.csrf.assert(ctx, form, interaction.formBinding);
      await handle(ctx, interaction, form);
    });

  const common = (interaction: Interaction) => ({
    client: interaction.client,
    csrf: needs.csrf.token(interaction.formBinding),
  });

  const showStep = async (ctx: Context, interaction: Interaction, flow: Flow, page: Page = {}) => {
    const step = dueStep(flow.facts);
    const account = flow.row.accountId ? await needs.accounts.find(flow.row.accountId) : undefined;
    if (account) {
      const subject = { interaction, flow, account };
      if (step?.name === 'new-password') return newPassword.show(ctx, subject);
      if (step?.name === 'enrol-factor') return enrolment.show(ctx, subject);
      if (step?.name === 'backup-codes') return backupCodes.show(ctx, subject);
    }
    const method = step && chooseMethod(methods, step.name, flow, String(ctx.query.method ?? ''));
    if (!method) throw new GatehouseError('internal');
    const data = {
      ...common(interaction),
      progress: progressOf(flow.facts),
      actions: actionsOf(interaction, method, account !== undefined),
      values: { email: interaction.loginHint ?? '' },
      method: {
        name: method.name,
        texts: method.page.texts,
        view: method.page.view,
        title: t(method.page.title),
        why: t(`${method.page.texts}.why`, { product: needs.product }),
        button: t(method.page.button),
        canTrust: method.canTrust === true,
        ...(await challengeOf(interaction, flow, method, page.sent ?? ctx.query.sent === 'yes')),
      },
      days: needs.deviceDays,
      others: otherMethods(methods, flow, method).map((other) => ({
        label: t(other.page.link),
        href: `${signInPath(interaction)}?method=${other.name}`,
      })),
      ...(account ? { account: { email: account.email, name: account.name } } : {}),
      ...page,
    };
    show(ctx, `steps/${method.step}`, data, page.status);
  };

  /** No step is due any more: the sign-in ends here, and only here. */
  const goOn = async (ctx: Context, interaction: Interaction, flow: Flow) => {
    const session = await needs.browserSessions.find(ctx);
    const visitor = needs.visitors.of(ctx);
    const outcome = await needs.finish(flow, { ...doorOf(interaction), session, visitor });
    if (outcome.kind === 'finished') {
      if (outcome.cookies) needs.visitors.keep(ctx, outcome.cookies);
      return redirect(ctx, interaction.returnTo);
    }
    if (outcome.kind === 'not-allowed') throw new GatehouseError(outcome.code);
    if (outcome.kind === 'step-due') return redirect(ctx, signInPath(interaction));
    const now = await findOrOpen(interaction);
    if (now.kind === 'ended') return redirect(ctx, interaction.returnTo);
    // The account has changed since the password was proved: from the beginning.
    return showExpired(ctx, interaction);
  };

  const showExpired = async (ctx: Context, interaction: Interaction) => {
    const restart = `${signInPath(interaction)}/restart`;
    show(ctx, 'expired', { ...common(interaction), actions: { restart } }, 410);
  };

  const current: Handler = async (ctx, interaction) => {
    if (interaction.prompt === 'consent') return consent.show(ctx, interaction);
    const found = await findOrOpen(interaction);
    if (found.kind === 'ended') return redirect(ctx, interaction.returnTo);
    if (found.kind === 'expired') return showExpired(ctx, interaction);
    if (dueStep(found.flow.facts)) return showStep(ctx, interaction, found.flow);
    return goOn(ctx, interaction, found.flow);
  };

  const proveMethod: FormHandler = async (ctx, interaction, form) => {
    const method = methods.find((each) => each.name === ctx.params.method);
    if (!method) throw new GatehouseError('not_found');
    const found = await findOrOpen(interaction);
    if (found.kind !== 'open') return current(ctx, interaction);
    const { flow } = found;
    if (dueStep(flow.facts)?.name !== method.step) return redirect(ctx, signInPath(interaction));
    ctx.query = { method: method.name, sent: 'yes' };
    const values = { email: form.email ?? '', remember: form.remember ?? '' };
    const input = method.input.safeParse(form);
    if (!input.success) {
      const errors = fieldErrors(input.error.issues, t);
      return showStep(ctx, interaction, flow, { status: 400, errors, values });
    }
    const visitor = needs.visitors.of(ctx);
    const trust = form.remember === 'yes';
    const outcome = await needs.prove(flow, { method, input: input.data, visitor, trust });
    if (outcome.kind === 'proved' || outcome.kind === 'not-due')
      return afterProof(ctx, interaction);
    if (outcome.kind === 'not-allowed') {
      const alert = notAllowedAlert(outcome, t);
      return showStep(ctx, interaction, flow, { status: 403, alert, values });
    }
    if (outcome.kind === 'malformed') {
      const errors = { code: malformedInWords(outcome, t) };
      return showStep(ctx, interaction, flow, { status: 422, errors, values });
    }
    const { retryAfter, ...refusal } = refusalOf(outcome, method.page.texts, t);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    return showStep(ctx, interaction, flow, { ...refusal, values });
  };

  const send: FormHandler = async (ctx, interaction) => {
    const method = methods.find((each) => each.name === ctx.params.method);
    if (!method?.challenge) throw new GatehouseError('not_found');
    const found = await findOrOpen(interaction);
    if (found.kind !== 'open') return current(ctx, interaction);
    const outcome = await needs.sendChallenge(found.flow, method);
    const here = `${signInPath(interaction)}?method=${method.name}&sent=yes`;
    if (outcome.kind === 'sent') return redirect(ctx, here);
    if (outcome.kind === 'not-due') return redirect(ctx, signInPath(interaction));
    ctx.query = { method: method.name, sent: 'yes' };
    const { retryAfter, ...refusal } = tooManyOf(outcome, method.page.texts, t);
    if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
    return showStep(ctx, interaction, found.flow, refusal);
  };

  /** For the form of a step: anything else that is due is shown instead. */
  const inStep = (name: Step['name'], handle: StepHandler): FormHandler => {
    return async (ctx, interaction, form) => {
      const found = await findOrOpen(interaction);
      if (found.kind !== 'open') return current(ctx, interaction);
      const { flow } = found;
      const account = await needs.accounts.find(flow.row.accountId ?? '');
      const isDue = account && dueStep(flow.facts)?.name === name;
      if (!isDue) return redirect(ctx, signInPath(interaction));
      if (await handle(ctx, { interaction, flow, account }, form)) {
        await afterProof(ctx, interaction);
      }
    };
  };

  const download: Handler = async (ctx, interaction) => {
    const found = await findOrOpen(interaction);
    const flow = found.kind === 'open' ? found.flow : undefined;
    const account = flow && (await needs.accounts.find(flow.row.accountId ?? ''));
    if (!flow || !account) return redirect(ctx, signInPath(interaction));
    backupCodes.download(ctx, { interaction, flow, account });
  };

  const afterProof: Handler = async (ctx, interaction) => {
    const found = await findOrOpen(interaction);
    const isDone = found.kind === 'open' && !dueStep(found.flow.facts);
    return isDone ? goOn(ctx, interaction, found.flow) : redirect(ctx, signInPath(interaction));
  };

  const cancel: FormHandler = async (ctx, interaction) => {
    const text = 'the person cancelled the sign-in';
    const { key, clientId } = interaction;
    const cancelled = needs.signInAudit.cancelled(await flows.findRow(key), clientId);
    const refused = interaction.refused('access_denied', text);
    const unit = [refused, flows.abandon(key), ...cancelled.unit];
    // Missed: it was answered already, and that answer counts.
    if ((await needs.store.commit(unit)).kind === 'committed') await cancelled.done();
    redirect(ctx, interaction.returnTo);
  };

  const restart: FormHandler = async (ctx, interaction) => {
    await flows.reopen(interaction);
    if (interaction.prompt === 'consent') await needs.store.commit([interaction.asSignIn()]);
    redirect(ctx, signInPath(interaction));
  };

  /**
   * A browser that sends many requests at once gets a cookie for each, and keeps the last. By the
   * second look all of them are there.
   */
  const onceSettled = (handle: (ctx: Context) => Promise<void>) => async (ctx: Context) => {
    if (ctx.search === FIRST_VISIT) return redirect(ctx, ctx.path);
    return handle(ctx);
  };

  const router = new Router({ prefix: SIGN_IN_PATH });
  router.get('/:uid', onceSettled(withInteraction(current)) as never);
  router.post('/:uid/prove/:method', withForm(proveMethod) as never);
  const step = (...args: Parameters<typeof inStep>) => withForm(inStep(...args)) as never;
  router.post('/:uid/new-password', step('new-password', newPassword.submit));
  router.post('/:uid/new-password/check', step('new-password', newPassword.check));
  router.post('/:uid/enrol/:method', step('enrol-factor', enrolment.submit));
  router.post('/:uid/enrol-later', step('enrol-factor', enrolment.later));
  router.post('/:uid/backup-codes', step('backup-codes', backupCodes.submit));
  router.post('/:uid/send/:method', withForm(send) as never);
  router.get('/:uid/backup-codes.txt', withInteraction(download) as never);
  router.post('/:uid/consent', withForm(consent.submit) as never);
  router.post('/:uid/cancel', withForm(cancel) as never);
  router.post('/:uid/switch', withForm(restart) as never);
  router.post('/:uid/restart', withForm(restart) as never);
  // A page that was shown after a refused form, loaded again.
  router.get('/:uid/*rest', (async (ctx: Context) => {
    redirect(ctx, `${SIGN_IN_PATH}/${encodeURIComponent(ctx.params.uid)}`);
  }) as never);
  return router;
}

function doorOf({ signedIn, refused }: Interaction): Pick<Door, 'signedIn' | 'refused'> {
  return {
    signedIn: (...args) => [signedIn(...args)],
    refused: (...args) => [refused(...args)],
  };
}

/** Where a code goes, and how to have one sent. */
async function challengeOf(
  interaction: Interaction,
  { row }: Flow,
  { name, challenge }: Method,
  sent: boolean,
) {
  if (!challenge) return {};
  const number = await challenge.hint(row.accountId ?? '');
  return { number, sent, sendAction: `${signInPath(interaction)}/send/${name}` };
}

function actionsOf(interaction: Interaction, method: Method, isKnown: boolean) {
  const path = signInPath(interaction);
  return {
    submit: `${path}/prove/${method.name}`,
    cancel: `${path}/cancel`,
    forgot: forgotPath(interaction),
    ...(isKnown ? { switch: `${path}/switch` } : {}),
  };
}

function offered(methods: readonly Method[], step: string, { facts }: Flow): readonly Method[] {
  const ofStep = methods.filter((method) => method.step === step);
  if (step !== 'second-factor') return ofStep;
  const has = ofStep.filter((method) => facts.enrolled.includes(method.name));
  return has.toSorted((a, b) => Number(a.isLastResort ?? 0) - Number(b.isLastResort ?? 0));
}

function chooseMethod(
  methods: readonly Method[],
  step: string,
  flow: Flow,
  wanted: string,
): Method | undefined {
  const choice = offered(methods, step, flow);
  return choice.find((method) => method.name === wanted) ?? choice[0];
}

function otherMethods(methods: readonly Method[], flow: Flow, shown: Method): readonly Method[] {
  return offered(methods, shown.step, flow).filter((method) => method.name !== shown.name);
}
