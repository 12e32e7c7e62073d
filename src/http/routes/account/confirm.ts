// Asks once more before something goes that does not come back.

import { redirect } from '../../redirect.ts';
import type { FormHandler, PageHandler, Present } from './entrance.ts';
import type { Show } from './site.ts';

interface Asked {
  readonly act: 'forget-all' | 'everywhere' | 'revoke';
  /** What the text names. */
  readonly name?: (ctx: Parameters<PageHandler>[0], present: Present) => Promise<string>;
  readonly confirmed: FormHandler;
}

/** A page, and at the same address the form that it shows; any other form leads to the page. */
export function createConfirmed(show: Show, { act, name, confirmed }: Asked) {
  const page: PageHandler = async (ctx, present) => {
    const named = name ? { name: await name(ctx, present) } : {};
    show(ctx, present, 'account/confirm', { act, actions: { submit: ctx.path }, ...named });
  };
  const submit: FormHandler = async (ctx, present, form) =>
    form.confirm === 'yes' ? confirmed(ctx, present, form) : redirect(ctx, ctx.path);
  return { page, submit };
}
