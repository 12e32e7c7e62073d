// You don't have access: for applications that require a role the person lacks.
import type { Context } from 'koa';
import type { Accounts } from '../../../domain/accounts/accounts.ts';
import type { Audit } from '../../../domain/audit/audit.ts';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { Store } from '../../../store/store.ts';
import type { Csrf } from '../../../web/csrf.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly audit: Audit;
  readonly csrf: Csrf;
  readonly render: Render;
}

export function createNoAccessPage({ store, accounts, audit, csrf, render }: Needs) {
  const show = async (ctx: Context, interaction: Interaction): Promise<void> => {
    const { accountId, client } = interaction;
    const account = accountId ? await accounts.find(accountId) : undefined;
    const path = signInPath(interaction);
    ctx.status = 403;
    ctx.type = 'html';
    ctx.body = render('no-access', {
      client,
      csrf: csrf.token(interaction.formBinding),
      actions: { submit: `${path}/no-access`, switch: `${path}/switch` },
      ...(account ? { account: { email: account.email, name: account.name } } : {}),
    });
  };

  const submit = async (ctx: Context, interaction: Interaction): Promise<void> => {
    const { prompt, accountId, clientId } = interaction;
    // Another tab has asked for a different account meanwhile.
    if (prompt !== 'access') return redirect(ctx, signInPath(interaction));
    const refused = interaction.refused('access_denied', 'the person lacks the required role');
    const event = { kind: 'sign_in.finished', outcome: 'refused', accountId, clientId } as const;
    const recorded = audit.record({ ...event, reason: 'required role missing', detail: {} });
    // A conflict means that it was answered already, and that answer counts.
    await store.tryCommit([refused, recorded]);
    redirect(ctx, interaction.returnTo);
  };

  return { show, submit };
}
