// The authenticator that an address of the account pages names, if it is one of this account.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import type { AccountCredentials, AccountFactor } from '../../../signin/credentials.ts';
import type { Form } from '../../../web/forms.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';

export type FactorHandler = (
  ctx: Context,
  signedIn: SignedIn,
  owned: AccountFactor,
  form: Form,
) => void | Promise<void>;

export function createWithFactor(credentials: AccountCredentials) {
  const find = async (ctx: Context, { account }: SignedIn): Promise<AccountFactor> => {
    const { method, id } = ctx.params as Readonly<Record<string, string>>;
    const all = await credentials.list(account.id);
    const owned = all.find((each) => each.factor.name === method && each.id === id);
    if (!owned) throw new GatehouseError('not_found');
    return owned;
  };
  return {
    page:
      (handle: FactorHandler): PageHandler =>
      async (ctx, signedIn) =>
        handle(ctx, signedIn, await find(ctx, signedIn), {}),
    form:
      (handle: FactorHandler): FormHandler =>
      async (ctx, signedIn, form) =>
        handle(ctx, signedIn, await find(ctx, signedIn), form),
  };
}
