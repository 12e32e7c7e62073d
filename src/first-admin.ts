// The first administrator: made once in the life of a house, with a link that is shown once.
import type { House } from './app.ts';
import { isGatehouseError } from './lib/errors.ts';

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
  try {
    const account = await house.accounts.create({ email, name: 'Administrator', role: 'admin' });
    const { unit, url } = house.links.create(account, 'invitation', 'first-start');
    await house.store.write(...unit);
    return { email, link: url };
  } catch (error) {
    if (isGatehouseError(error, 'already_exists')) return undefined;
    throw error;
  } finally {
    await house.settings.setOnce(DONE, email);
  }
}
