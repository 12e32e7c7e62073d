// Back from a sign-in to the page that was wanted: the session is what counts, the code is not used.
import type { Context } from 'koa';
import { redirect } from '../../../web/redirect.ts';
import type { Render } from '../../../web/render.ts';
import { keepForms } from '../../middleware/security.ts';
import type { RequireSignIn } from './require-sign-in.ts';
import type { ReturnTo } from './return-to.ts';
import { ACCOUNT } from './site.ts';

interface Needs {
  readonly requireSignIn: RequireSignIn;
  readonly returnTo: ReturnTo;
  readonly render: Render;
}

export function createCallback({ requireSignIn, returnTo, render }: Needs) {
  return async (ctx: Context): Promise<void> => {
    const { error, state } = ctx.query;
    if (await requireSignIn.find(ctx)) {
      // Who has cancelled would be asked again at once.
      const wanted = error === undefined ? returnTo.read(state) : undefined;
      return redirect(ctx, wanted ?? ACCOUNT);
    }
    // Anything but a person's own choice would end in a circle: say so instead.
    const isCancelled = error === 'access_denied';
    keepForms(ctx);
    ctx.status = isCancelled ? 200 : 400;
    ctx.type = 'html';
    ctx.body = render(isCancelled ? 'account/signed-out' : 'cookies', {
      trace: ctx.state.trace,
      actions: { signIn: ACCOUNT },
      restartHref: ACCOUNT,
    });
  };
}
