// Asks once more before something goes that does not come back.

import { redirect } from '../../../web/redirect.ts';
import type { FormHandler, PageHandler, SignedIn } from './require-sign-in.ts';
import type { Show } from './site.ts';

interface Asked {
  readonly act: 'forget-all' | 'everywhere' | 'revoke';
  /** What the text names. */
  readonly name?: (ctx: Parameters<PageHandler>[0], signedIn: SignedIn) => Promise<string>;
  readonly confirmed: FormHandler;
}

/** A page, and at the same address the form that it shows; any other form leads to the page. */
export function createConfirmed(show: Show, { act, name, confirmed }: Asked) {
  const page: PageHandler = async (ctx, signedIn) => {
    const named = name ? { name: await name(ctx, signedIn) } : {};
    show(ctx, signedIn, 'account/confirm', { act, actions: { submit: ctx.path }, ...named });
  };
  const submit: FormHandler = async (ctx, signedIn, form) =>
    form.confirm === 'yes' ? confirmed(ctx, signedIn, form) : redirect(ctx, ctx.path);
  return { page, submit };
}
