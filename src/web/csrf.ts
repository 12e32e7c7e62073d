// Forms come from our pages: a token bound to interaction or session, and the browser's own word.
import type { Context } from 'koa';
import { GatehouseError } from '../lib/errors.ts';
import type { Vault } from '../lib/vault.ts';
import type { Form } from './forms.ts';

export interface Csrf {
  /** The token for forms of one interaction or session. */
  token(binding: string): string;
  /** Throws `csrf_failed`. */
  assert(ctx: Context, form: Form, binding: string): void;
}

const PURPOSE = 'csrf';

export function createCsrf(vault: Vault, issuer: string): Csrf {
  return {
    token: (binding) => vault.digest(PURPOSE, binding),
    assert: (ctx, form, binding) => {
      const own = isOwnPage(ctx, issuer) && vault.matches(PURPOSE, binding, form.csrf ?? '');
      if (!own) throw new GatehouseError('csrf_failed');
    },
  };
}

/**
 * Pages with `Referrer-Policy: no-referrer` post with `Origin: null`, so null is no answer either
 * way; then Sec-Fetch-Site, where the browser sends it, and the token decide.
 */
export function isOwnPage(ctx: Context, issuer: string): boolean {
  const origin = ctx.get('Origin');
  const site = ctx.get('Sec-Fetch-Site');
  const originFits = origin === '' || origin === 'null' || origin === issuer;
  return originFits && (site === '' || site === 'same-origin' || site === 'none');
}
