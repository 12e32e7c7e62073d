// The two screens on which a factor is enrolled, in a sign-in and on the account pages alike.
import type { Context } from 'koa';
import type { Account } from '../store/accounts.ts';
import type { Translate } from '../web/catalogue.ts';
import type { Flash, Flashes } from '../web/flash.ts';
import { type Form, fieldErrors } from '../web/forms.ts';
import type { Enrolling } from './credentials.ts';
import { describeWrong, refusalOf, tooManyOf } from './denials.ts';
import type { Enrol, EnrolOutcome } from './enrol.ts';

export interface EnrolmentForms {
  /** Where what a first screen took is kept for the second one. */
  placeOf(binding: string, factor: Enrolling): string;
  /** What the views take. */
  data(shown: Shown): Promise<Readonly<Record<string, unknown>>>;
  /** Takes the first screen and sends the code. @returns what the page says; undefined: sent */
  start(started: Started): Promise<Denied | undefined>;
  /** Takes the second screen. @returns what the page says; undefined: enrolled, or not due */
  confirm(factor: Enrolling, form: Form, enrol: TryInput): Promise<Denied | undefined>;
}

export interface Denied {
  readonly flash: Flash;
  readonly search: string;
}

interface Shown {
  readonly ctx: Context;
  readonly factor: Enrolling;
  readonly account: Account;
  readonly context: string;
  readonly place: string;
}

interface Started extends Omit<Shown, 'context'> {
  readonly form: Form;
}

type TryInput = (input: unknown) => Promise<EnrolOutcome>;

interface Needs {
  readonly flashes: Flashes;
  readonly enrol: Enrol;
  readonly t: Translate;
}

/** `?screen=code` asks for the code that confirms; without it, the page shows what to do first. */
const CODE_SCREEN = 'code';
/** Milliseconds: longer than anybody takes to enter a code that was sent. */
const KEPT = 600_000;

export const isCodeScreen = ({ query }: Context): boolean => query.screen === CODE_SCREEN;

/** Of a screen of this factor. */
export function searchFor({ name }: Enrolling, isCode = false): string {
  return `?method=${name}${isCode ? `&screen=${CODE_SCREEN}` : ''}`;
}

export function createEnrolmentForms(needs: Needs): EnrolmentForms {
  const { flashes, t } = needs;
  return {
    placeOf: (binding, { name }) => `${binding}:enrolling:${name}`,
    data: async ({ ctx, factor, account, context, place }) => {
      const { page, start, offer } = factor.enrolment;
      const isCode = isCodeScreen(ctx);
      const kept = isCode ? flashes.read(ctx, place)?.values : undefined;
      return {
        factor: factor.name,
        texts: page.texts,
        view: isCode ? page.confirm : page.offer,
        factorScripts: isCode ? [] : (page.scripts ?? []),
        starts: start !== undefined,
        setup: isCode ? (kept ?? {}) : await offer(account, context),
      };
    },
    start: (started) => start(started, needs),
    confirm: async (factor, form, enrol) => {
      const { code: _, ...typed } = form;
      const deny = (flash: Flash) => ({
        flash: { ...flash, values: { device_name: typed.device_name ?? '' } },
        search: searchFor(factor, true),
      });
      const read = factor.enrolment.input.safeParse(form);
      if (!read.success) {
        return deny({ status: 400, errors: fieldErrors(read.error.issues, t) });
      }
      const flash = flashOf(await enrol(read.data), factor, t);
      return flash && deny(flash);
    },
  };
}

async function start(
  { ctx, factor, account, form, place }: Started,
  { flashes, enrol, t }: Needs,
): Promise<Denied | undefined> {
  const first = factor.enrolment.start;
  const read = first?.input.safeParse(form);
  if (!first || !read?.success) {
    const errors = fieldErrors(read?.error?.issues ?? [], t);
    const { csrf: _, ...values } = form;
    return { flash: { status: 400, errors, values }, search: searchFor(factor) };
  }
  flashes.leave(ctx, place, { status: 200, values: first.keep(read.data) }, KEPT);
  const outcome = await enrol.start(account, factor, read.data);
  if (outcome.kind === 'sent') return undefined;
  return { flash: tooManyOf(outcome, factor.page.texts, t), search: searchFor(factor, true) };
}

/** Undefined where it is enrolled, or another step is due. */
function flashOf(outcome: EnrolOutcome, factor: Enrolling, t: Translate): Flash | undefined {
  const { texts } = factor.page;
  switch (outcome.kind) {
    case 'enrolled':
    case 'not-due':
      return undefined;
    case 'malformed':
      return { status: 422, errors: { code: t(outcome.flaw) } };
    case 'full':
      return { status: 422, alert: { kind: 'error', text: t('enrol-factor.full') } };
    case 'limited':
      return refusalOf(outcome, texts, t);
    case 'refused':
      if (outcome.remaining) return refusalOf({ ...outcome, ...outcome.remaining }, texts, t);
      return { status: 422, alert: { kind: 'error', text: describeWrong(outcome.hint, texts, t) } };
  }
}
