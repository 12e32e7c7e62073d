// The pages that the library asks for, in our look.
import type { Context } from 'koa';
import type { Accounts } from '../domain/accounts/accounts.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { DeviceCodePage, DeviceProblem, ProviderPages } from '../oidc/pages/provider-pages.ts';
import { refusalOf } from '../signin/denials.ts';
import type { Translate } from '../web/catalogue.ts';
import type { Flash, Flashes } from '../web/flash.ts';
import { redirect } from '../web/redirect.ts';
import type { Render } from '../web/render.ts';
import { showProblem } from './middleware/errors.ts';

export interface ProviderPagesNeeds {
  readonly render: Render;
  readonly flashes: Flashes;
  readonly t: Translate;
  readonly accounts: Accounts;
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

function deviceRefusal(problem: DeviceCodePage['problem'], t: Translate): Flash {
  if (problem === undefined) return { status: 200 };
  if (typeof problem === 'object') return refusalOf(problem, '', t);
  // What the person chose is no mistake.
  const kind = problem === 'aborted' ? 'info' : 'error';
  return { status: 200, alert: { kind, text: t(DEVICE_TEXTS[problem]) } };
}

const devicePlace = (session: string) => `device:${session}`;

/** A right code leaves whom it is for: the same address then asks whether to go on. */
function confirmedBy({ values }: Flash) {
  if (values?.client === undefined) return undefined;
  const client = { name: values.client, uri: values.client_uri || undefined };
  return { userCode: values.user_code, client };
}

export function createProviderPages(needs: ProviderPagesNeeds): ProviderPages {
  const { render, flashes, t, accounts, givenUpAfter } = needs;
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
    deviceCode: async (ctx, { action, session, xsrf, userCode = '', problem }) => {
      const values = { user_code: userCode };
      if (problem !== undefined) {
        flashes.leave(ctx, devicePlace(session), { ...deviceRefusal(problem, t), values });
        return redirect(ctx, action);
      }
      const actions = { submit: action };
      const flash = flashes.take(ctx, devicePlace(session)) ?? { status: 200, values };
      const confirming = confirmedBy(flash);
      if (confirming) return show(ctx, 'device/confirm', { actions, xsrf, ...confirming });
      show(ctx, 'device/code', { actions, xsrf, ...flash }, flash.status);
    },
    deviceConfirm: async (ctx, { action, session, userCode, client }) => {
      const { name, uri = '' } = client;
      const values = { user_code: userCode, client: name, client_uri: uri };
      flashes.leave(ctx, devicePlace(session), { status: 200, values });
      redirect(ctx, action);
    },
    deviceDone: async (ctx, client) => show(ctx, 'device/done', { client }),
    formPost: async (ctx, page) => show(ctx, 'form-post', { ...page }, ctx.status),
  };
}
