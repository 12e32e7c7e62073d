// The pages that ask for a first or a second factor, and what a person may use instead.
import type { Context } from 'koa';
import type { Factor } from '../../factors/index.ts';
import type { Interaction } from '../../oidc/interactions.ts';
import type { Flow } from '../../signin/flow.ts';
import { progressOf } from '../../signin/steps/index.ts';
import type { Account } from '../../store/accounts.ts';
import type { Translate } from '../catalogue.ts';
import type { Csrf } from '../csrf.ts';
import type { Flash } from '../flash.ts';
import { forgotPath, signInPath } from '../redirect.ts';
import type { Render } from '../render.ts';

export interface FactorViewNeeds {
  readonly factors: readonly Factor[];
  readonly product: string;
  /** For how long a device is remembered. */
  readonly deviceDays: number;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export interface FactorSubject {
  readonly interaction: Interaction;
  readonly flow: Flow;
  /** Undefined before the first proof. */
  readonly account: Account | undefined;
}

export interface FactorView {
  /** The method is the one that the address asks for, where it is offered at this step. */
  show(
    ctx: Context,
    step: Factor['step'],
    subject: FactorSubject,
    flash: Flash | undefined,
  ): Promise<void>;
}

export function createFactorView(needs: FactorViewNeeds): FactorView {
  const { factors, csrf, render, t } = needs;
  return {
    show: async (ctx, step, subject, flash) => {
      const { interaction, flow, account } = subject;
      const offered = offeredAt(factors, step, flow);
      const factor = offered.find(({ name }) => name === ctx.query.method) ?? offered[0];
      if (!factor) throw new Error(`nothing is offered at the step "${step}"`);
      ctx.status = flash?.status ?? 200;
      ctx.type = 'html';
      ctx.body = render(`steps/${step}`, {
        trace: ctx.state.trace,
        client: interaction.client,
        csrf: csrf.token(interaction.formBinding),
        progress: progressOf(flow.facts),
        actions: actionsOf(interaction, factor, account !== undefined),
        values: { email: interaction.loginHint ?? '' },
        method: {
          name: factor.name,
          texts: factor.page.texts,
          view: factor.page.view,
          title: t(factor.page.title),
          why: t(`${factor.page.texts}.why`, { product: needs.product }),
          button: t(factor.page.button),
          canTrust: factor.canTrust === true,
          ...(await challengeOf(subject, factor, ctx.query.sent === 'yes')),
        },
        days: needs.deviceDays,
        others: offered
          .filter((other) => other !== factor)
          .map((other) => ({ label: t(other.page.link), href: factorPath(interaction, other) })),
        ...(account ? { account: { email: account.email, name: account.name } } : {}),
        ...flash,
      });
    },
  };
}

/** The page that asks for this method. @param sent whether a code is under way to the person */
export function factorPath(interaction: Interaction, { name }: Factor, sent = false): string {
  return `${signInPath(interaction)}?method=${name}${sent ? '&sent=yes' : ''}`;
}

/** Where a code goes, and how to have one sent. */
async function challengeOf(
  { interaction, flow }: FactorSubject,
  { name, challenge }: Factor,
  sent: boolean,
) {
  if (!challenge) return {};
  const number = await challenge.hint(flow.row.accountId ?? '');
  return { number, sent, sendAction: `${signInPath(interaction)}/send/${name}` };
}

function actionsOf(interaction: Interaction, factor: Factor, isKnown: boolean) {
  const path = signInPath(interaction);
  return {
    submit: `${path}/prove/${factor.name}`,
    cancel: `${path}/cancel`,
    forgot: forgotPath(interaction),
    ...(isKnown ? { switch: `${path}/switch` } : {}),
  };
}

function offeredAt(factors: readonly Factor[], step: string, { facts }: Flow): readonly Factor[] {
  const ofStep = factors.filter((factor) => factor.step === step);
  if (step !== 'second-factor') return ofStep;
  const has = ofStep.filter((factor) => facts.enrolled.includes(factor.name));
  return has.toSorted((a, b) => Number(a.isLastResort ?? 0) - Number(b.isLastResort ?? 0));
}
