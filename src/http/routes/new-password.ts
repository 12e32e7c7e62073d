// Update your password: the page of the step, its form, and the answers it asks for while one types.
import type { Context } from 'koa';
import { z } from 'zod';
import type { PasswordPolicy, Rule } from '../../domain/passwords/policy.ts';
import { STRENGTHS } from '../../domain/passwords/strength.js';
import { GatehouseError } from '../../lib/errors.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import type { Flow } from '../../signin/flow.ts';
import { isExhausted, type Renew, type RenewOutcome } from '../../signin/renew.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Account } from '../../store/accounts.ts';
import type { Csrf } from '../csrf.ts';
import { type Form, fieldErrors } from '../forms.ts';
import { signInPath } from '../redirect.ts';
import type { Render } from '../render.ts';
import type { Translate } from '../texts.ts';

export interface NewPasswordNeeds {
  readonly passwords: PasswordPolicy;
  readonly renew: Renew;
  /** New passwords tried in one sign-in. */
  readonly candidates: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export interface NewPasswordPage {
  show(ctx: Context, subject: Subject): void;
  /** @returns whether the step is over, or was not due */
  submit(ctx: Context, subject: Subject, form: Form): Promise<boolean>;
  /** Answers with the rules that are not met: word lists are here alone. @returns false */
  check(ctx: Context, subject: Subject, form: Form): Promise<boolean>;
}

interface Subject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  readonly account: Account;
}

interface Shown {
  readonly status: number;
  readonly errors?: Readonly<Record<string, string>>;
  readonly alert?: { readonly kind: 'error'; readonly text: string };
  /** Rules that the try before did not meet; undefined before the first one. */
  readonly unmet?: readonly string[];
}

const LONGEST = 1024;

const input = z
  .object({
    new_password: z.string().min(1, 'new-password.missing').max(LONGEST, 'new-password.too-long'),
    confirm_password: z.string().min(1, 'new-password.confirm-missing'),
  })
  .refine((form) => form.new_password === form.confirm_password, {
    path: ['confirm_password'],
    message: 'new-password.different',
  });

export function createNewPasswordPage(needs: NewPasswordNeeds): NewPasswordPage {
  const { passwords, renew, t } = needs;

  const show = (ctx: Context, subject: Subject, shown: Shown = { status: 200 }) => {
    ctx.status = shown.status;
    ctx.type = 'html';
    ctx.body = needs.render('steps/new-password', {
      trace: ctx.state.trace,
      ...pageOf(subject, needs),
      requirements: requirementsOf(passwords, t, shown.unmet),
      exhausted: isExhausted(subject.flow, needs.candidates),
      ...shown,
    });
  };

  const submit: NewPasswordPage['submit'] = async (ctx, subject, form) => {
    const read = input.safeParse(form);
    if (read.success) {
      const outcome = await renew(subject.flow, read.data.new_password);
      const shown = shownFor(outcome, t);
      if (shown) show(ctx, subject, shown);
      return shown === undefined;
    }
    const errors = fieldErrors(read.error.issues, t);
    show(ctx, subject, { status: 400, errors });
    return false;
  };

  return {
    show,
    submit,
    check: async (ctx, { account }, { new_password: password = '' }) => {
      if (password.length > LONGEST) throw new GatehouseError('invalid_input');
      const { rules } = passwords.judge(password, account);
      ctx.body = { unmet: rules.filter(({ met }) => !met).map(({ rule }) => rule) };
      return false;
    },
  };
}

function pageOf({ interaction, flow, account }: Subject, { csrf, passwords, t }: NewPasswordNeeds) {
  const path = signInPath(interaction);
  return {
    client: interaction.client,
    csrf: csrf.token(interaction.uid),
    progress: progressOf(flow.facts),
    account: { email: account.email },
    actions: {
      submit: `${path}/new-password`,
      check: `${path}/new-password/check`,
      cancel: `${path}/cancel`,
      switch: `${path}/switch`,
      restart: `${path}/restart`,
    },
    settings: passwords.settings,
    strengths: STRENGTHS.map((strength) => ({ strength, word: t(`strength.${strength}`) })),
    hints: hintsOf(passwords, t),
  };
}

function requirementsOf(passwords: PasswordPolicy, t: Translate, unmet?: readonly string[]) {
  const { min, max, rules } = passwords.settings;
  return rules.map((rule) => ({
    rule,
    text: t(`password-rules.${rule}`, { min, max }),
    state: unmet === undefined ? 'open' : unmet.includes(rule) ? 'unmet' : 'met',
  }));
}

/** What to do about a rule, or to make a password stronger. */
function hintsOf({ settings: { min, max, rules } }: PasswordPolicy, t: Translate) {
  const keys = [...rules, 'start', 'longer', 'more', 'none'];
  return Object.fromEntries(keys.map((key) => [key, t(`password-hints.${key}`, { min, max })]));
}

/** Undefined: the sign-in goes on, wherever it is. */
function shownFor(outcome: RenewOutcome, t: Translate): Shown | undefined {
  switch (outcome.kind) {
    case 'staged':
    case 'not-due':
      return undefined;
    case 'unmet':
      return { status: 422, unmet: outcome.rules, errors: unmetError(outcome.rules, t) };
    case 'same':
      return { status: 422, unmet: [], errors: { new_password: t('new-password.same') } };
    case 'exhausted': {
      const alert = { kind: 'error', text: t('new-password.exhausted') } as const;
      return { status: 429, alert };
    }
  }
}

function unmetError(rules: readonly Rule[], t: Translate) {
  const key = rules.length === 1 ? 'new-password.unmet-one' : 'new-password.unmet';
  return { new_password: t(key, { count: rules.length }) };
}
