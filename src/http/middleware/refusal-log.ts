// Whatever trace code somebody is shown, there is a line in the log that says what it was about.
import type { Context, Middleware } from 'koa';
import type { Log } from '../../lib/log.ts';
import { logRefusal } from '../../lib/refusal-lines.ts';
import { notedRefusal } from '../../oidc/refusals.ts';
import { problemOf, showsTrace } from './trace-audit.ts';

const LONGEST_NAME = 40;
const LONGEST_REASON = 90;

/** Also for what goes back to an application as an error. */
export function logRefusals(log: Log): Middleware {
  return async (ctx, next) => {
    await next();
    const noted = notedRefusal(ctx);
    // What went wrong on our side has a line of its own.
    if (ctx.status === 500 || (!noted && !showsTrace(ctx))) return;
    const error = noted?.error ?? problemOf(ctx);
    const fields = {
      status: ctx.status,
      error: cut(error, LONGEST_NAME),
      ...(noted?.reason ? { reason: cut(noted.reason, LONGEST_REASON) } : {}),
      ...(noted?.client ? { client: cut(noted.client, LONGEST_NAME) } : placeOf(ctx)),
    };
    // Made-up clients leave those that there are their lines.
    const client = noted?.isClientKnown ? ` of ${noted.client}` : '';
    const what = `${cut(error, LONGEST_NAME)}${client}`;
    logRefusal(log, { what, fields, words: 'request refused' });
  };
}

function placeOf(ctx: Context) {
  const [, first = ''] = (ctx.req.url ?? '').split(/[/?]/, 2);
  return { path: cut(`/${first}`, LONGEST_NAME) };
}

/** What would take more than one character in JSON is left out. */
function cut(text: string, longest: number): string {
  return text.replace(/[^\x20-\x7e]|["\\]/g, '').slice(0, longest);
}
