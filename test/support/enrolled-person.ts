// People with an authenticator, enrolled through the pages as everybody is.
import { backupCodesOn, codeFor, secretOn } from './authenticator-app.ts';
import type { Gatehouse } from './gatehouse.ts';
import { createPerson, type Person, type RelyingParty } from './relying-party.ts';
import { createWeb, type Page, titleOf, type Web } from './web.ts';

export interface EnrolledPerson extends Person {
  readonly secret: string;
  readonly backupCodes: readonly string[];
}

/** From the page that offers the QR code to whatever follows the saved backup codes. */
export async function enrolOn(
  web: Web,
  page: Page,
): Promise<{ page: Page; secret: string; backupCodes: string[] }> {
  const secret = secretOn(page);
  const saving = await web.submit(page, '/enrol/totp', { code: codeFor(secret) });
  if (titleOf(saving) !== 'Save your backup codes') throw new Error(titleOf(saving));
  const backupCodes = backupCodesOn(saving);
  return { page: await web.submit(saving, '/backup-codes', { saved: 'yes' }), secret, backupCodes };
}

/** Leaves no session behind; the clock moves on by a step, so that the next code is fresh. */
export async function createEnrolledPerson(
  gatehouse: Pick<Gatehouse, 'core' | 'url' | 'advance'>,
  party: RelyingParty,
): Promise<EnrolledPerson> {
  const person = await createPerson(gatehouse);
  const web = createWeb(gatehouse.url);
  const page = await afterPassword(web, party, person);
  const { secret, backupCodes } = await enrolOn(web, page);
  await gatehouse.advance('30s');
  return { ...person, secret, backupCodes };
}

export async function afterPassword(
  web: Web,
  party: RelyingParty,
  { email, password }: Person,
  parameters: Record<string, string | undefined> = {},
): Promise<Page> {
  const page = await web.get(party.url(parameters).url);
  return web.submit(page, '/prove/password', { email, password });
}
