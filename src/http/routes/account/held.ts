// The authenticator that an address of the account pages names, if it is one of this account.
import type { Context } from 'koa';
import { GatehouseError } from '../../../lib/errors.ts';
import type { AccountCredentials, HeldCredential } from '../../../signin/credentials.ts';
import type { Form } from '../../forms.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';

export interface Held {
  readonly credential: HeldCredential;
  readonly isLast: boolean;
}

export type HeldHandler = (
  ctx: Context,
  present: Present,
  held: Held,
  form: Form,
) => void | Promise<void>;

export function createWithHeld(credentials: AccountCredentials) {
  const find = async (ctx: Context, { account }: Present): Promise<Held> => {
    const { method, id } = ctx.params as Readonly<Record<string, string>>;
    const all = await credentials.list(account.id);
    const credential = all.find((each) => each.method.name === method && each.id === id);
    if (!credential) throw new GatehouseError('not_found');
    return { credential, isLast: all.length === 1 };
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
