// The secret that oidc-provider expects back from its forms.
import { type Ctx, sessionIn } from '../types.ts';

/** Only for pages with a form: oidc-provider puts the secret into the session before it shows one. */
export function formSecretOf(ctx: Ctx): string {
  return String(sessionIn(ctx).state?.secret);
}
