// Answers oidc-provider's questions for its two sign-in cookies, which no browser gets.
import type { Middleware } from 'koa';
import { cookieValues } from '../lib/cookies.ts';
import { SIGN_IN_PATH } from '../web/paths.ts';
import type { CookieNames } from './cookies.ts';
import { ROUTES } from './routes.ts';
import { uidIn } from './types.ts';

type LibraryCookies = Pick<CookieNames, 'interaction' | 'resume'>;

/**
 * Answers with the uid from the address: oidc-provider asks for a cookie to learn which sign-in it
 * resumes. The interaction adapter decides whether the browser may resume it.
 */
export function answerLibraryCookies({ interaction, resume }: LibraryCookies): Middleware {
  return (ctx, next) => {
    const { cookies } = ctx;
    const isOurs = (name: string) => name === interaction || name === resume;
    const answers: typeof cookies = Object.create(cookies);
    answers.get = (name, options) => (isOurs(name) ? uidIn(ctx) : cookies.get(name, options));
    answers.set = (name, value, options) =>
      isOurs(name) ? answers : cookies.set(name, value, options);
    ctx.cookies = answers;
    return next();
  };
}

const ROOTS = [SIGN_IN_PATH, ROUTES.authorization, ROUTES.code_verification].join('|');
const OF_ONE_SIGN_IN = new RegExp(`^(?:${ROOTS})/[\\w-]{1,64}(?=/|$)`);

/** Removes the cookies of earlier versions, which set four for each sign-in. */
export function dropOldCookies({ interaction, resume }: LibraryCookies): Middleware {
  const old = [interaction, resume].flatMap((name) => [name, `${name}.sig`]);
  return (ctx, next) => {
    const [path] = OF_ONE_SIGN_IN.exec(ctx.path) ?? [];
    const header = path === undefined ? '' : ctx.get('Cookie');
    const brought = old.filter((name) => cookieValues(header, name).length > 0);
    for (const name of brought) ctx.cookies.set(name, null, { path, signed: false });
    return next();
  };
}
