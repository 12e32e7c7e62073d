// One-time links as people use them: from the mail or the command to the new password.
import type { Gatehouse } from './gatehouse.ts';
import { linksTo, nextLinkTo } from './mailbox.ts';
import { createWeb, type Page, type Web } from './web.ts';

export const RESET = 'Choose a new password';
export const VOID = 'This link no longer works';
export const DONE = 'Password updated';

/** A link by mail, as anybody gets one for their own address. */
export async function askForLink(
  gatehouse: Pick<Gatehouse, 'core' | 'database' | 'url'>,
  email: string,
): Promise<string> {
  const before = await linksTo(gatehouse, email);
  const web = createWeb(gatehouse.url);
  const page = await web.get(`${gatehouse.url}/forgot-password`);
  await web.submit(page, '/forgot-password', { email });
  return nextLinkTo(gatehouse, email, before);
}

/** Presses `Continue`. @returns the page with the form */
export async function useLink(web: Web, link: string): Promise<Page> {
  const page = await web.get(link);
  return web.submit(page, new URL(link).pathname);
}

export function choose(web: Web, page: Page, password: string, confirm = password): Promise<Page> {
  return web.submit(page, '/reset-password', {
    new_password: password,
    confirm_password: confirm,
  });
}

export async function resetPassword(web: Web, link: string, password: string): Promise<Page> {
  return choose(web, await useLink(web, link), password);
}
