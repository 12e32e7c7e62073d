// The forms and downloads of steps: taken where the step is due, and otherwise led to what is.
import type { Context } from 'koa';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { FoundFlow } from '../../../signin/flow.ts';
import { known, type StepPage, type StepSubject } from '../../../signin/steps/page.ts';
import type { Form } from '../../../web/forms.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import {
  deny,
  duePage,
  type FormHandler,
  findOrOpen,
  type Handler,
  type SignInDeps,
  subjectOf,
} from './entry.ts';
import { proceed } from './progress.ts';

/** @param path of the form, as the pages of steps name it */
export function stepForm(path: string): FormHandler {
  return async (deps, ctx, interaction, form) => {
    const due = await findDue(deps, ctx, interaction);
    if (!due) return;
    const { page, subject } = due;
    const found = page.forms.find((each) => each.path === path);
    if (!found) return redirect(ctx, signInPath(interaction));
    await take(deps, ctx, { page, subject, handle: found.handle }, form);
  };
}

interface Taken {
  readonly page: StepPage;
  readonly subject: StepSubject;
  readonly handle: StepPage['forms'][number]['handle'];
}

async function take(
  deps: SignInDeps,
  ctx: Context,
  { page, subject, handle }: Taken,
  form: Form,
): Promise<void> {
  const outcome = await handle(ctx, subject, form);
  if (outcome === 'answered') return;
  if (outcome === undefined) return proceed(deps, ctx, subject.interaction);
  if ('to' in outcome) return redirect(ctx, outcome.to);
  deny(deps, ctx, subject.interaction, page, outcome);
}

export function stepDownload(path: string): Handler {
  return async (deps, ctx, interaction) => {
    const due = await findDue(deps, ctx, interaction);
    if (!due) return;
    const download = due.page.downloads?.find((each) => each.path === path);
    if (!download || !due.subject.account) return redirect(ctx, signInPath(interaction));
    download.handle(ctx, known(due.subject));
  };
}

/** Undefined where it has answered: the sign-in is over, or nothing is due. */
async function findDue(deps: SignInDeps, ctx: Context, interaction: Interaction) {
  const found = await findOrOpen(deps, interaction);
  if (found.kind !== 'open') return void afterEnd(ctx, interaction, found);
  const page = duePage(deps, found.flow);
  if (!page) return void redirect(ctx, signInPath(interaction));
  return { page, subject: await subjectOf(deps, interaction, found.flow) };
}

/** A form that comes after the end, or too late. */
function afterEnd(ctx: Context, interaction: Interaction, { kind }: FoundFlow): void {
  redirect(ctx, kind === 'ended' ? interaction.returnTo : signInPath(interaction));
}
