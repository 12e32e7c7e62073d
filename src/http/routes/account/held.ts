// The authenticator that an address of the account pages names, if it is one of this account.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import type { AccountCredentials, HeldCredential } from '../../../signin/credentials.ts';
import type { Form } from '../../forms.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';

export type HeldHandler = (
  ctx: Context,
  present: Present,
  held: HeldCredential,
  form: Form,
) => void | Promise<void>;

export function createWithHeld(credentials: AccountCredentials) {
  const find = async (ctx: Context, { account }: Present): Promise<HeldCredential> => {
    const { method, id } = ctx.params as Readonly<Record<string, string>>;
    const all = await credentials.list(account.id);
    const held = all.find((each) => each.method.name === method && each.id === id);
    if (!held) throw new GatehouseError('not_found');
    return held;
  };
  return {
    page:
      (handle: HeldHandler): PageHandler =>
      async (ctx, present) =>
        handle(ctx, present, await find(ctx, present), {}),
    form:
      (handle: HeldHandler): FormHandler =>
      async (ctx, present, form) =>
        handle(ctx, present, await find(ctx, present), form),
  };
}
