// Finds the sign-in that an address names, in the browser that it belongs to.
import type { Context } from 'koa';
import type { BrowserSessions } from '../../../oidc/browser-sessions.ts';
import type { Interaction, Interactions } from '../../../oidc/interactions.ts';
import type { Finish } from '../../../signin/finish.ts';
import type { Flow, Flows, FoundFlow } from '../../../signin/flow.ts';
import type { FindProvedSession } from '../../../signin/step-up-session.ts';
import type { StepPage, StepSubject } from '../../../signin/steps/page.ts';
import type { AccountTable } from '../../../store/accounts.ts';
import type { Csrf } from '../../../web/csrf.ts';
import type { Flash, Flashes } from '../../../web/flash.ts';
import { type Form, readForm } from '../../../web/forms.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import type { RequesterCookies } from '../../requester-cookies.ts';
import type { NotHere } from './gone.ts';

export interface SignInDeps {
  readonly interactions: Interactions;
  readonly flows: Flows;
  readonly accountTable: AccountTable;
  readonly browserSessions: BrowserSessions;
  readonly findProvedSession: FindProvedSession;
  readonly finish: Finish;
  readonly requesterCookies: RequesterCookies;
  readonly flashes: Flashes;
  readonly csrf: Csrf;
  readonly render: Render;
  /** In the order of the steps. */
  readonly pages: readonly StepPage[];
  readonly showGone: (ctx: Context, uid: string, found: NotHere) => Promise<void>;
}

export type Handler = (deps: SignInDeps, ctx: Context, interaction: Interaction) => Promise<void>;
export type FormHandler = (
  deps: SignInDeps,
  ctx: Context,
  interaction: Interaction,
  form: Form,
) => Promise<void>;

export function isRead({ method }: Context): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function withInteraction(deps: SignInDeps, handle: Handler, uid = uidIn) {
  return async (ctx: Context): Promise<void> => {
    const id = uid(ctx);
    const found = await deps.interactions.find(ctx, id);
    if (found.kind === 'found') return handle(deps, ctx, found.interaction);
    // What a form gets is never a page: loaded again, it would be sent again.
    if (isRead(ctx)) return deps.showGone(ctx, id, found);
    redirect(ctx, signInPath({ uid: id }));
  };
}

const uidIn = ({ params }: Context): string => String(params.uid);

export function withForm(deps: SignInDeps, handle: FormHandler) {
  return withInteraction(deps, async (_deps, ctx, interaction) => {
    const form = await readForm(ctx);
    deps.csrf.assert(ctx, form, interaction.formBinding);
    await handle(deps, ctx, interaction, form);
  });
}

export function findOrOpen(deps: SignInDeps, interaction: Interaction): Promise<FoundFlow> {
  const findProvedSession = () => deps.findProvedSession(interaction.stepUp);
  return deps.flows.findOrOpen({ ...interaction, findProvedSession });
}

export async function subjectOf(
  deps: SignInDeps,
  interaction: Interaction,
  flow: Flow,
): Promise<StepSubject> {
  const { accountId } = flow.row;
  const account = accountId === undefined ? undefined : await deps.accountTable.find(accountId);
  return { interaction, flow, account };
}

/** The page of the step that is due; undefined where none is. */
export function duePage({ pages }: SignInDeps, { facts }: Flow): StepPage | undefined {
  return pages.find(({ step }) => step.isNeeded(facts));
}

/** Where a flash waits for the page of a step, of one sign-in in one browser. */
export function placeOf({ formBinding }: Interaction, { step }: StepPage): string {
  return `${formBinding}:${step.name}`;
}

/** Back to the page of the step, which says what is wrong. */
export function deny(
  deps: SignInDeps,
  ctx: Context,
  interaction: Interaction,
  page: StepPage,
  { flash, search = '' }: { readonly flash: Flash; readonly search?: string },
): void {
  deps.flashes.leave(ctx, placeOf(interaction, page), flash);
  redirect(ctx, `${signInPath(interaction)}${search}`);
}
