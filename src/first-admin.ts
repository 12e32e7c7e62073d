// The first administrator: made once in the life of a house, with a link that goes one way only.
import type { Core } from './app.ts';
import { MAILED } from './domain/accounts/password-resets.ts';
import { isGatehouseError } from './lib/errors.ts';
import type { AccountVersion } from './store/current-account.ts';

export interface FirstAdmin {
  readonly email: string;
  /** Spent by choosing a password; undefined where it is not to be shown. */
  readonly link: string | undefined;
}

/** A terminal may show the link, a mail may bring it; a log may not keep it: then none is made. */
export type LinkWay = 'show' | 'mail' | 'none';

const DONE = 'first_admin';

/** Undefined where there has been one; of several first starts at once, one makes it. */
export async function ensureFirstAdmin(
  core: Core,
  way: LinkWay = 'show',
): Promise<FirstAdmin | undefined> {
  const { email } = core.config.admin;
  if (!email || (await core.settingTable.find(DONE)) !== undefined) return undefined;
  const made = await make(core, email, way);
  await core.settingTable.setOnce(DONE, email);
  return made;
}

/** The account, its link and the mail in one unit: no link is announced that is not there. */
async function make(core: Core, email: string, way: LinkWay): Promise<FirstAdmin | undefined> {
  let link: string | undefined;
  const invite = (account: AccountVersion) => {
    if (way === 'none') return [];
    const by = way === 'mail' ? MAILED : 'first-start';
    const { unit, url, expiresAt } = core.links.create(account, 'invitation', by);
    if (way === 'show') {
      link = url;
      return unit;
    }
    const values = { expires: expiresAt };
    const mail = { template: 'first-admin', to: email, values, link: url };
    return [...unit, core.mails.writeFor(account, mail, expiresAt)];
  };
  try {
    await core.accounts.create({ email, name: 'Administrator', role: 'admin' }, invite);
    return { email, link };
  } catch (error) {
    if (isGatehouseError(error, 'already_exists')) return undefined;
    throw error;
  }
}
