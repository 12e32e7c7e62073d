// What a step shows, and the forms on it.
import type { Context } from 'koa';
import type { Interaction } from '../../oidc/interactions.ts';
import type { Account } from '../../store/accounts.ts';
import type { Csrf } from '../../web/csrf.ts';
import type { Flash } from '../../web/flash.ts';
import type { Form } from '../../web/forms.ts';
import { signInPath } from '../../web/redirect.ts';
import type { Flow } from '../flow.ts';
import { progressOf } from './index.ts';
import type { Step } from './step.ts';

/** A sign-in in the browser that it belongs to. */
export interface StepSubject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  /** Undefined before the first proof. */
  readonly account: Account | undefined;
}

export interface KnownSubject extends StepSubject {
  readonly account: Account;
}

export interface StepPage {
  readonly step: Step;
  /** @param flash what the last form left for this page */
  show(ctx: Context, subject: StepSubject, flash: Flash | undefined): void | Promise<void>;
  readonly forms: readonly StepForm[];
  /** Files to download. */
  readonly downloads?: readonly Download[];
}

export interface StepForm {
  /** Its address below that of the sign-in, such as `prove/:factor`. */
  readonly path: string;
  /** @returns what the page says of it; undefined where the sign-in goes on */
  handle(ctx: Context, subject: StepSubject, form: Form): Promise<StepOutcome>;
}

export type StepOutcome = StepDenial | Answered | Elsewhere | undefined;

export interface StepDenial {
  readonly flash: Flash;
  /** Which page of the step shows it, as a query with its `?`. */
  readonly search?: string;
}

/** The handler has answered by itself, such as to a script. */
export type Answered = 'answered';

/** The browser goes to another page of the step, or leaves for a while. */
export interface Elsewhere {
  readonly to: string;
}

export interface Download {
  readonly path: string;
  handle(ctx: Context, subject: KnownSubject): void;
}

/** For the steps that come after the first proof. Throws where nobody is known yet. */
export function known(subject: StepSubject): KnownSubject {
  const { account } = subject;
  if (!account) throw new Error('a step before its time: nobody has proved anything');
  return { ...subject, account };
}

/** What the pages of every step hold. */
export function commonData(ctx: Context, { interaction, flow, account }: StepSubject, csrf: Csrf) {
  return {
    trace: ctx.state.trace,
    client: interaction.client,
    csrf: csrf.token(interaction.formBinding),
    progress: progressOf(flow.facts),
    ...(account ? { account: { email: account.email, name: account.name } } : {}),
  };
}

/** Addresses of the links and forms that every step has. */
export function commonActions({ interaction, account }: StepSubject) {
  const path = signInPath(interaction);
  return { cancel: `${path}/cancel`, ...(account ? { switch: `${path}/switch` } : {}) };
}
