// Allow access: what an application asks for, and the person's answer.
import type { Context } from 'koa';
import type { Accounts } from '../../../domain/accounts/accounts.ts';
import type { DescribeAccess } from '../../../domain/attributes/words.ts';
import type { Audit } from '../../../domain/audit/audit.ts';
import type { DescribeResource } from '../../../domain/clients/resources.ts';
import type { Consents } from '../../../domain/consents/consents.ts';
import { GatehouseError } from '../../../lib/errors.ts';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { Flows } from '../../../signin/flow.ts';
import type { Store } from '../../../store/store.ts';
import type { Translate } from '../../../web/catalogue.ts';
import type { Csrf } from '../../../web/csrf.ts';
import type { Form } from '../../../web/forms.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';

export interface ConsentNeeds {
  readonly store: Store;
  readonly flows: Flows;
  readonly accounts: Accounts;
  readonly consents: Consents;
  readonly audit: Audit;
  readonly resourceToWords: DescribeResource;
  readonly accessToWords: DescribeAccess;
  readonly csrf: Csrf;
  readonly render: Render;
  readonly t: Translate;
}

export function createConsentPage(needs: ConsentNeeds) {
  const { store, flows, accounts, consents, audit, csrf, render, t } = needs;

  const show = async (ctx: Context, interaction: Interaction): Promise<void> => {
    const { requested, accountId } = interaction;
    const account = accountId ? await accounts.find(accountId) : undefined;
    const path = signInPath(interaction);
    ctx.type = 'html';
    ctx.body = render('consent', {
      client: interaction.client,
      csrf: csrf.token(interaction.formBinding),
      actions: { submit: `${path}/consent`, switch: `${path}/switch` },
      scopes: needs.accessToWords(requested),
      resources: Object.entries(requested.resources).map(([identifier, scopes]) =>
        needs.resourceToWords(identifier, scopes),
      ),
      ...(account ? { account: { email: account.email, name: account.name } } : {}),
    });
  };

  const allow = async (interaction: Interaction, accountId: string): Promise<void> => {
    const { clientId, requested } = interaction;
    // The answer of a second click is the first one's.
    const unit = [interaction.consented(), flows.finished(interaction, accountId)];
    await consents.add(accountId, clientId, requested, unit);
  };

  const deny = async (interaction: Interaction, accountId: string): Promise<void> => {
    const reason = 'the person denied the access';
    const { clientId } = interaction;
    const denied = { kind: 'consent.granted', outcome: 'refused', reason } as const;
    const recorded = audit.record({ ...denied, accountId, clientId });
    const finished = flows.finished(interaction, accountId);
    await store.commit([interaction.refused('access_denied', reason), finished, recorded]);
  };

  const submit = async (ctx: Context, interaction: Interaction, form: Form): Promise<void> => {
    const { accountId } = interaction;
    // Another tab has asked for a different account meanwhile.
    if (interaction.prompt !== 'consent' || accountId === undefined) {
      return redirect(ctx, signInPath(interaction));
    }
    if (form.decision === 'allow') await allow(interaction, accountId);
    else if (form.decision === 'deny') await deny(interaction, accountId);
    else throw new GatehouseError('bad_request', { message: t('errors.decision') });
    redirect(ctx, interaction.returnTo);
  };

  return { show, submit };
}
