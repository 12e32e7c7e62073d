// The fields of a new password: what they show, how they are read, and what is said while one types.
import type { Context } from 'koa';
import { z } from 'zod';
import type { PasswordOwner, PasswordPolicy, Rule } from '../domain/passwords/policy.ts';
import { STRENGTHS } from '../domain/passwords/strength.js';
import { GatehouseError } from '../lib/errors.ts';
import type { Translate } from '../web/catalogue.ts';
import type { Flash } from '../web/flash.ts';
import { type Form, fieldErrors } from '../web/forms.ts';

export type ReadPassword =
  | { readonly kind: 'read'; readonly password: string }
  | { readonly kind: 'wrong'; readonly tried: Flash };

export type RefusedPassword =
  | { readonly kind: 'unmet'; readonly rules: readonly Rule[] }
  | { readonly kind: 'same' };

export interface NewPasswordForm {
  /** For partials/new-password-form.ejs. */
  data(unmet?: readonly string[]): Readonly<Record<string, unknown>>;
  read(form: Form): ReadPassword;
  /** Answers with the rules that are not met: word lists are here alone. */
  check(ctx: Context, owner: PasswordOwner, form: Form): void;
  refused(outcome: RefusedPassword): Flash;
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

interface Needs {
  readonly passwords: PasswordPolicy;
  readonly t: Translate;
}

export function createNewPasswordForm({ passwords, t }: Needs): NewPasswordForm {
  return {
    data: (unmet) => ({
      settings: passwords.settings,
      strengths: STRENGTHS.map((strength) => ({ strength, word: t(`strength.${strength}`) })),
      hints: hintsOf(passwords, t),
      requirements: requirementsOf(passwords, t, unmet),
    }),
    read: (form) => {
      const read = input.safeParse(form);
      if (read.success) return { kind: 'read', password: read.data.new_password };
      return { kind: 'wrong', tried: { status: 400, errors: fieldErrors(read.error.issues, t) } };
    },
    check: (ctx, owner, { new_password: password = '' }) => {
      if (password.length > LONGEST) throw new GatehouseError('invalid_input');
      const { rules } = passwords.checkPassword(password, owner);
      ctx.body = { unmet: rules.filter(({ met }) => !met).map(({ rule }) => rule) };
    },
    refused: (outcome) =>
      outcome.kind === 'same'
        ? { status: 422, unmet: [], errors: { new_password: t('new-password.same') } }
        : { status: 422, unmet: outcome.rules, errors: unmetError(outcome.rules, t) },
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

function unmetError(rules: readonly Rule[], t: Translate) {
  const key = rules.length === 1 ? 'new-password.unmet-one' : 'new-password.unmet';
  return { new_password: t(key, { count: rules.length }) };
}
