// Choose an account: go on as the person who is signed in, or sign in as somebody else.
import type { Context } from 'koa';
import type { Accounts } from '../../../domain/accounts/accounts.ts';
import type { Interaction } from '../../../oidc/interactions.ts';
import type { Store } from '../../../store/store.ts';
import type { Csrf } from '../../../web/csrf.ts';
import { redirect, signInPath } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';

interface Needs {
  readonly store: Store;
  readonly accounts: Accounts;
  readonly csrf: Csrf;
  readonly render: Render;
}

export function createAccountSelection({ store, accounts, csrf, render }: Needs) {
  const show = async (ctx: Context, interaction: Interaction): Promise<void> => {
    const { accountId, client, loginHint } = interaction;
    const account = accountId ? await accounts.find(accountId) : undefined;
    const path = signInPath(interaction);
    ctx.type = 'html';
    ctx.body = render('select-account', {
      client,
      csrf: csrf.token(interaction.formBinding),
      hint: loginHint,
      actions: { submit: `${path}/account`, switch: `${path}/switch`, cancel: `${path}/cancel` },
      ...(account ? { account: { email: account.email, name: account.name } } : {}),
    });
  };

  const submit = async (ctx: Context, interaction: Interaction): Promise<void> => {
    // Another tab has asked for a different account meanwhile.
    if (interaction.prompt !== 'select_account') return redirect(ctx, signInPath(interaction));
    // The answer of a second click is the first one's.
    await store.commit([interaction.selected()]);
    redirect(ctx, interaction.returnTo);
  };

  return { show, submit };
}
