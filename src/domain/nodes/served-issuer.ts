// The address that the server of this database says it has: commands compare it with their own.
import type { SettingTable } from '../../store/settings.ts';

const SERVED = 'served_issuer';

export async function rememberServed(settingTable: SettingTable, issuer: string): Promise<void> {
  if ((await settingTable.find(SERVED)) !== issuer) await settingTable.set(SERVED, issuer);
}

/** Undefined: it is the same, or nothing was served yet. Otherwise a sentence with the cure. */
export async function whyOtherIssuer(
  settingTable: SettingTable,
  issuer: string,
): Promise<string | undefined> {
  const served = await settingTable.find(SERVED);
  if (served === undefined || served === issuer) return undefined;
  return `The server of this database was last started as ${served}, and this configuration says ${issuer}: give both the same ISSUER (or PORT).`;
}
