// The hosted sign-in: one address for each authorization request, which shows the step that is due.
import Router from '@koa/router';
import type { Context } from 'koa';
import { GatehouseError } from '../../lib/errors.ts';
import type { BrowserSessions } from '../../oidc/browser-sessions.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import { FIRST_VISIT, SIGN_IN_PATH } from '../../oidc/sign-in-path.ts';
import type { SignInAudit } from '../../signin/audit-events.ts';
import type { SendChallenge } from '../../signin/challenge.ts';
import type { Finish, SignInTarget } from '../../signin/finish.ts';
import type { Flow, FoundFlow } from '../../signin/flow.ts';
import type { Prove } from '../../signin/prove.ts';
import type { FindProvedSession } from '../../signin/step-up-session.ts';
import { dueStep, type Step } from '../../signin/steps/index.ts';
import type { Flash, Flashes } from '../flash.ts';
import { type Form, fieldErrors, readForm } from '../forms.ts';
import { redirect, signInPath } from '../redirect.ts';
import { describeMalformed, notAllowedAlert, refusalOf, tooManyOf } from '../refusals.ts';
import type { RequesterCookies } from '../requester-cookies.ts';
import { type BackupCodesNeeds, createBackupCodesPages } from './backup-codes.ts';
import { type ConsentNeeds, createConsentPage } from './consent.ts';
import { createEnrolmentPage, type EnrolmentNeeds, type StepSubject } from './enrolment.ts';
import { createFactorView, type FactorViewNeeds, factorPath } from './factor-view.ts';
import { createNewPasswordPage, type NewPasswordNeeds } from './new-password.ts';
import { createGonePage, type GoneNeeds } from './sign-in-gone.ts';

export interface SignInNeeds
  extends ConsentNeeds,
    FactorViewNeeds,
    NewPasswordNeeds,
    EnrolmentNeeds,
    BackupCodesNeeds,
    GoneNeeds {
  readonly flashes: Flashes;
  readonly browserSessions: BrowserSessions;
  readonly prove: Prove;
  readonly finish: Finish;
  readonly signInAudit: SignInAudit;
  readonly findProvedSession: FindProvedSession;
  readonly sendChallenge: SendChallenge;
  readonly requesterCookies: RequesterCookies;
}

interface Subject {
  readonly interaction: Interaction;
  readonly flow: Flow;
}

type Handler = (ctx: Context, interaction: Interaction) => Promise<void>;
type FormHandler = (ctx: Context, interaction: Interaction, form: Form) => Promise<void>;
/** @returns what the page of the step says; undefined where the step is over, or was not due */
type StepHandler = (ctx: Context, subject: StepSubject, form: Form) => Promise<Refused | undefined>;

/** What a step says of a form that was sent to it. */
export interface Refused {
  readonly flash: Flash;
  /** Where it has several pages: which one. */
  readonly search?: string;
}

export function signInRoutes(needs: SignInNeeds): Router {
  const { flows, interactions, factors, render, t } = needs;
  const showGone = createGonePage(needs);
  const factorView = createFactorView(needs);
  const consent = createConsentPage(needs);
  const newPassword = createNewPasswordPage(needs);
  const enrolment = createEnrolmentPage(needs);
  const backupCodes = createBackupCodesPages(needs);

  const findOrOpen = (interaction: Interaction) =>
    flows.findOrOpen({
      ...interaction,
      findProvedSession: () => needs.findProvedSession(interaction.stepUp),
    });

  const withInteraction = (handle: Handler) => async (ctx: Context) => {
    const uid = String(ctx.params.uid);
    const found = await interactions.find(ctx, uid);
    if (found.kind === 'found') return handle(ctx, found.interaction);
    // What a form gets is never a page: loaded again, it would be sent again.
    return isRead(ctx) ? showGone(ctx, uid, found) : redirect(ctx, signInPath({ uid }));
  };

  const withForm = (handle: FormHandler) =>
    withInteraction(async (ctx, interaction) => {
      const form = await readForm(ctx);
      needs.csrf.assert(ctx, form, interaction.formBinding);
      await handle(ctx, interaction, form);
    });

  /** A form that comes after the end, or too late. */
  const afterEnd = (ctx: Context, interaction: Interaction, { kind }: FoundFlow) =>
    kind === 'ended' ? redirect(ctx, interaction.returnTo) : dueAgain(ctx, interaction);

  const dueAgain: Handler = async (ctx, interaction) => redirect(ctx, signInPath(interaction));

  const refuse = (ctx: Context, { interaction, flow }: Subject, to: string, flash: Flash) => {
    const step = dueStep(flow.facts);
    if (step) needs.flashes.leave(ctx, placeOf(interaction, step), flash);
    redirect(ctx, to);
  };

  const showStep = async (ctx: Context, { interaction, flow }: Subject, step: Step) => {
    const flash = needs.flashes.take(ctx, placeOf(interaction, step));
    const account = await needs.accounts.find(flow.row.accountId ?? '');
    if (step.name === 'sign-in' || step.name === 'second-factor') {
      return factorView.show(ctx, step.name, { interaction, flow, account }, flash);
    }
    if (!account) throw new GatehouseError('internal');
    const subject = { interaction, flow, account };
    if (step.name === 'new-password') return newPassword.show(ctx, subject, flash);
    if (step.name === 'enrol-factor') return enrolment.show(ctx, subject, flash);
    return backupCodes.show(ctx, subject, flash);
  };

  /** No step is due any more: the sign-in ends here, and only here. */
  const proceed = async (ctx: Context, interaction: Interaction, flow: Flow) => {
    const session = await needs.browserSessions.find(ctx);
    const requester = needs.requesterCookies.of(ctx);
    const outcome = await needs.finish(flow, { ...targetOf(interaction), session, requester });
    if (outcome.kind === 'finished') {
      if (outcome.cookies) needs.requesterCookies.keep(ctx, outcome.cookies);
      return redirect(ctx, interaction.returnTo);
    }
    if (outcome.kind === 'step-due') return dueAgain(ctx, interaction);
    if (outcome.kind === 'not-allowed') {
      if (isRead(ctx)) throw new GatehouseError(outcome.code);
      return dueAgain(ctx, interaction);
    }
    const now = await findOrOpen(interaction);
    if (now.kind === 'ended') return redirect(ctx, interaction.returnTo);
    // The account has changed since the password was proved: from the beginning.
    return isRead(ctx) ? showExpired(ctx, interaction) : dueAgain(ctx, interaction);
  };

  const showExpired = async (ctx: Context, interaction: Interaction) => {
    ctx.status = 410;
    ctx.type = 'html';
    ctx.body = render('expired', {
      trace: ctx.state.trace,
      client: interaction.client,
      csrf: needs.csrf.token(interaction.formBinding),
      actions: { restart: `${signInPath(interaction)}/restart` },
    });
  };

  const current: Handler = async (ctx, interaction) => {
    if (interaction.prompt === 'consent') return consent.show(ctx, interaction);
    const found = await findOrOpen(interaction);
    if (found.kind === 'ended') return redirect(ctx, interaction.returnTo);
    if (found.kind === 'expired') return showExpired(ctx, interaction);
    const step = dueStep(found.flow.facts);
    if (step) return showStep(ctx, { interaction, flow: found.flow }, step);
    return proceed(ctx, interaction, found.flow);
  };

  const proveMethod: FormHandler = async (ctx, interaction, form) => {
    const factor = factors.find((each) => each.name === ctx.params.method);
    if (!factor) throw new GatehouseError('not_found');
    const found = await findOrOpen(interaction);
    if (found.kind !== 'open') return afterEnd(ctx, interaction, found);
    const { flow } = found;
    if (dueStep(flow.facts)?.name !== factor.step) return dueAgain(ctx, interaction);
    const values = { email: form.email ?? '', remember: form.remember ?? '' };
    const turnDown = (flash: Flash) =>
      refuse(ctx, { interaction, flow }, factorPath(interaction, factor, true), {
        ...flash,
        values,
      });
    const input = factor.input.safeParse(form);
    if (!input.success) {
      return turnDown({ status: 400, errors: fieldErrors(input.error.issues, t) });
    }
    const requester = needs.requesterCookies.of(ctx);
    const trust = form.remember === 'yes';
    const outcome = await needs.prove(flow, { factor, input: input.data, requester, trust });
    if (outcome.kind === 'proved' || outcome.kind === 'not-due')
      return afterProof(ctx, interaction);
    if (outcome.kind === 'not-allowed') {
      return turnDown({ status: 403, alert: notAllowedAlert(outcome, t) });
    }
    if (outcome.kind === 'malformed') {
      return turnDown({ status: 422, errors: { code: describeMalformed(outcome, t) } });
    }
    turnDown(refusalOf(outcome, factor.page.texts, t));
  };

  const send: FormHandler = async (ctx, interaction) => {
    const factor = factors.find((each) => each.name === ctx.params.method);
    if (!factor?.challenge) throw new GatehouseError('not_found');
    const found = await findOrOpen(interaction);
    if (found.kind !== 'open') return dueAgain(ctx, interaction);
    const { flow } = found;
    const outcome = await needs.sendChallenge(flow, factor);
    const here = factorPath(interaction, factor, true);
    if (outcome.kind === 'sent') return redirect(ctx, here);
    if (outcome.kind === 'not-due') return dueAgain(ctx, interaction);
    refuse(ctx, { interaction, flow }, here, tooManyOf(outcome, factor.page.texts, t));
  };

  const findStep = async (interaction: Interaction, name: Step['name']) => {
    const found = await findOrOpen(interaction);
    if (found.kind !== 'open' || dueStep(found.flow.facts)?.name !== name) return undefined;
    const account = await needs.accounts.find(found.flow.row.accountId ?? '');
    return account && { interaction, flow: found.flow, account };
  };

  /** For the form of a step: whatever else is due is shown instead. */
  const inStep = (name: Step['name'], handle: StepHandler): FormHandler => {
    return async (ctx, interaction, form) => {
      const subject = await findStep(interaction, name);
      if (!subject) return dueAgain(ctx, interaction);
      const refused = await handle(ctx, subject, form);
      if (!refused) return afterProof(ctx, interaction);
      refuse(ctx, subject, `${signInPath(interaction)}${refused.search ?? ''}`, refused.flash);
    };
  };

  /** Asked by a script while somebody types. */
  const checkPassword: FormHandler = async (ctx, interaction, form) => {
    const subject = await findStep(interaction, 'new-password');
    if (!subject) return dueAgain(ctx, interaction);
    newPassword.check(ctx, subject.account, form);
  };

  const download: Handler = async (ctx, interaction) => {
    const found = await findOrOpen(interaction);
    const flow = found.kind === 'open' ? found.flow : undefined;
    const account = flow && (await needs.accounts.find(flow.row.accountId ?? ''));
    if (!flow || !account) return dueAgain(ctx, interaction);
    backupCodes.download(ctx, { interaction, flow, account });
  };

  const afterProof: Handler = async (ctx, interaction) => {
    const found = await findOrOpen(interaction);
    const isDone = found.kind === 'open' && !dueStep(found.flow.facts);
    return isDone ? proceed(ctx, interaction, found.flow) : dueAgain(ctx, interaction);
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
  router.post('/:uid/new-password/check', withForm(checkPassword) as never);
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

function targetOf({ signedIn, refused }: Interaction): Pick<SignInTarget, 'signedIn' | 'refused'> {
  return {
    signedIn: (...args) => [signedIn(...args)],
    refused: (...args) => [refused(...args)],
  };
}

function isRead({ method }: Context): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Of a step of one sign-in in one browser. */
function placeOf({ formBinding }: Interaction, { name }: Step): string {
  return `${formBinding}:${name}`;
}
