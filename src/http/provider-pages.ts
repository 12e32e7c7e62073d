// The pages that the library asks for, in our look.
import type { Context } from 'koa';
import type { AccountsDomain } from '../domain/accounts.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { DeviceCodePage, DeviceProblem, ProviderPages } from '../oidc/pages.ts';
import { showProblem } from './middleware/errors.ts';
import { refusalOf } from './refusals.ts';
import type { Render } from './render.ts';
import type { Translate } from './texts.ts';

export interface ProviderPagesNeeds {
  readonly render: Render;
  readonly t: Translate;
  readonly accounts: AccountsDomain;
  /** How many sign-ins of one browser may be open. */
  readonly givenUpAfter: number;
}

/**
 * A form that leads to an address by GET carries its query in fields. What a browser would write
 * another way then (`?/login`) is a link.
 */
function wayTo(address: string) {
  const [action = '', query = ''] = address.split('?');
  const hidden = Object.fromEntries(new URLSearchParams(query));
  const isSame = address === action || address === `${action}?${new URLSearchParams(hidden)}`;
  return isSame ? { action, hidden } : { href: address };
}

const DEVICE_TEXTS: Readonly<Record<DeviceProblem, string>> = {
  missing: 'device.code-missing',
  unknown: 'device.code-unknown',
  expired: 'device.code-expired',
  used: 'device.code-used',
  aborted: 'device.aborted',
};

function deviceRefusal(problem: DeviceCodePage['problem'], t: Translate): DeviceRefusal {
  if (problem === undefined) return { status: 200 };
  if (typeof problem === 'object') return refusalOf(problem, '', t);
  // What the person chose is no mistake.
  const kind = problem === 'aborted' ? 'info' : 'error';
  return { status: 200, alert: { kind, text: t(DEVICE_TEXTS[problem]) } };
}

interface DeviceRefusal {
  readonly status: number;
  readonly retryAfter?: number;
  readonly alert?: { readonly kind: 'info' | 'error'; readonly text: string };
}

export function createProviderPages(needs: ProviderPagesNeeds): ProviderPages {
  const { render, t, accounts, givenUpAfter } = needs;
  const show = (ctx: Context, view: string, data: Record<string, unknown>, status = 200) => {
    ctx.status = status;
    ctx.type = 'html';
    ctx.body = render(view, { trace: ctx.state.trace, ...data });
  };
  return {
    error: async (ctx, problem) => showProblem(ctx, problem, { render, t }),
    expired: async (ctx, client) => show(ctx, 'expired', { client, restartHref: client?.uri }, 410),
    givenUp: async (ctx, client) => {
      ctx.state.problem = 'sign_in_given_up';
      show(ctx, 'expired', { client, restartHref: client?.uri, givenUpAfter }, 410);
    },
    cookiesNeeded: async (ctx, client) => show(ctx, 'cookies', { restartHref: client?.uri }, 400),
    confirmSignOut: async (ctx, { action, xsrf, client, accountId, stay }) => {
      const account = accountId ? await accounts.find(accountId) : undefined;
      const person = account && { email: account.email, name: account.name };
      const actions = { submit: action, stay: wayTo(stay) };
      show(ctx, 'logout/confirm', { actions, xsrf, client, account: person });
    },
    signedOut: async (ctx, client) => show(ctx, 'logout/done', { client }),
    switchedOff: async (ctx) => {
      const { status, code, message } = new GatehouseError('client_disabled');
      ctx.status = status;
      showProblem(ctx, { error: code, error_description: message }, { render, t });
    },
    deviceCode: async (ctx, { action, xsrf, userCode, problem }) => {
      const { status, retryAfter, alert } = deviceRefusal(problem, t);
      if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter));
      const values = { user_code: userCode ?? '' };
      show(ctx, 'device/code', { actions: { submit: action }, xsrf, values, alert }, status);
    },
    deviceConfirm: async (ctx, { action, xsrf, userCode, client }) =>
      show(ctx, 'device/confirm', { actions: { submit: action }, xsrf, userCode, client }),
    deviceDone: async (ctx, client) => show(ctx, 'device/done', { client }),
    formPost: async (ctx, page) => show(ctx, 'form-post', { ...page }, ctx.status),
  };
}
