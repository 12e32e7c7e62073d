// The first administrator: made once in the life of a house, with a link that is shown once.
import type { House } from './app.ts';
import { isGatehouseError } from './lib/errors.ts';
import type { LivingAccount } from './store/living.ts';

export interface FirstAdmin {
  readonly email: string;
  /** Spent by choosing a password. */
  readonly link: string;
}

const DONE = 'first_admin';

/** Undefined where there has been one; of several first starts at once, one makes it. */
export async function ensureFirstAdmin(house: House): Promise<FirstAdmin | undefined> {
  const { email } = house.config.admin;
  if (!email || (await house.settings.find(DONE)) !== undefined) return undefined;
  const made = await make(house, email);
  await house.settings.setOnce(DONE, email);
  return made;
}

/** The account and its link in one unit: without the link nobody could ever use the account. */
async function make(house: House, email: string): Promise<FirstAdmin | undefined> {
  let link = '';
  const invite = (account: LivingAccount) => {
    const { unit, url } = house.links.create(account, 'invitation', 'first-start');
    link = url;
    return unit;
  };
  try {
    await house.accounts.create({ email, name: 'Administrator', role: 'admin' }, invite);
    return { email, link };
  } catch (error) {
    if (isGatehouseError(error, 'already_exists')) return undefined;
    throw error;
  }
}
