// The pages that the library asks for, in our look.
import type { Context } from 'koa';
import type { AccountsDomain } from '../domain/accounts.ts';
import type { DeviceProblem, ProviderPages } from '../oidc/pages.ts';
import { showProblem } from './middleware/errors.ts';
import type { Render } from './render.ts';
import type { Translate } from './texts.ts';

export interface ProviderPagesNeeds {
  readonly render: Render;
  readonly t: Translate;
  readonly accounts: AccountsDomain;
}

/** A form that leads to an address by GET carries its query in fields. */
function formFor(address: string) {
  const [action = '', query = ''] = address.split('?');
  return { action, hidden: Object.fromEntries(new URLSearchParams(query)) };
}

const DEVICE_TEXTS: Readonly<Record<DeviceProblem, string>> = {
  missing: 'device.code-missing',
  unknown: 'device.code-unknown',
  expired: 'device.code-expired',
  used: 'device.code-used',
  aborted: 'device.aborted',
};

export function createProviderPages({ render, t, accounts }: ProviderPagesNeeds): ProviderPages {
  const show = (ctx: Context, view: string, data: Record<string, unknown>, status = 200) => {
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };
  return {
    error: async (ctx, problem) => showProblem(ctx, problem, { render, t }),
    expired: async (ctx, client) => show(ctx, 'expired', { client, restartHref: client?.uri }, 410),
    confirmSignOut: async (ctx, { action, xsrf, client, accountId, stay }) => {
      const account = accountId ? await accounts.find(accountId) : undefined;
      const person = account && { email: account.email, name: account.name };
      const actions = { submit: action, stay: formFor(stay) };
      show(ctx, 'logout/confirm', { actions, xsrf, client, account: person });
    },
    signedOut: async (ctx, client) => show(ctx, 'logout/done', { client }),
    deviceCode: async (ctx, { action, xsrf, userCode, problem }) => {
      const text = problem && t(DEVICE_TEXTS[problem]);
      // What the person chose is no mistake.
      const kind = problem === 'aborted' ? 'info' : 'error';
      const alert = text ? { alert: { kind, text } } : {};
      const values = { user_code: userCode ?? '' };
      show(ctx, 'device/code', { actions: { submit: action }, xsrf, values, ...alert });
    },
    deviceConfirm: async (ctx, { action, xsrf, userCode, client }) =>
      show(ctx, 'device/confirm', { actions: { submit: action }, xsrf, userCode, client }),
    deviceDone: async (ctx, client) => show(ctx, 'device/done', { client }),
    formPost: async (ctx, page) => show(ctx, 'form-post', { ...page }, ctx.status),
  };
}
