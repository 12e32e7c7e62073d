// The pages that ask for a first or a second factor, and what a person may use instead.
import type { Context } from 'koa';
import type { Method } from '../../methods/index.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import type { Flow } from '../../signin/flow.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Account } from '../../store/accounts.ts';
import type { Csrf } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import { forgotPath, signInPath } from '../redirect.ts';
import type { Render } from '../render.ts';
import type { Translate } from '../texts.ts';

export interface MethodPageNeeds {
  readonly methods: readonly Method[];
  readonly product: string;
  /** For how long a device is remembered. */
  readonly deviceDays: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export interface MethodSubject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  /** Undefined before the first proof. */
  readonly account: Account | undefined;
}

export interface MethodPage {
  /** The method is the one that the address asks for, where it is offered at this step. */
  show(
    ctx: Context,
    step: Method['step'],
    subject: MethodSubject,
    flash: Flash | undefined,
  ): Promise<void>;
}

export function createMethodPage(needs: MethodPageNeeds): MethodPage {
  const { methods, csrf, render, t } = needs;
  return {
    show: async (ctx, step, subject, flash) => {
      const { interaction, flow, account } = subject;
      const offered = offeredAt(methods, step, flow);
      const method = offered.find(({ name }) => name === ctx.query.method) ?? offered[0];
      if (!method) throw new Error(`nothing is offered at the step "${step}"`);
      ctx.status = flash?.status ?? 200;
      ctx.type = 'html';
      ctx.body = render(`steps/${step}`, {
        trace: ctx.state.trace,
        client: interaction.client,
        csrf: csrf.token(interaction.formBinding),
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
          ...(await challengeOf(subject, method, ctx.query.sent === 'yes')),
        },
        days: needs.deviceDays,
        others: offered
          .filter((other) => other !== method)
          .map((other) => ({ label: t(other.page.link), href: methodPath(interaction, other) })),
        ...(account ? { account: { email: account.email, name: account.name } } : {}),
        ...flash,
      });
    },
  };
}

/** The page that asks for this method. @param sent whether a code is under way to the person */
export function methodPath(interaction: Interaction, { name }: Method, sent = false): string {
  return `${signInPath(interaction)}?method=${name}${sent ? '&sent=yes' : ''}`;
}

/** Where a code goes, and how to have one sent. */
async function challengeOf(
  { interaction, flow }: MethodSubject,
  { name, challenge }: Method,
  sent: boolean,
) {
  if (!challenge) return {};
  const number = await challenge.hint(flow.row.accountId ?? '');
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

function offeredAt(methods: readonly Method[], step: string, { facts }: Flow): readonly Method[] {
  const ofStep = methods.filter((method) => method.step === step);
  if (step !== 'second-factor') return ofStep;
  const has = ofStep.filter((method) => facts.enrolled.includes(method.name));
  return has.toSorted((a, b) => Number(a.isLastResort ?? 0) - Number(b.isLastResort ?? 0));
}
