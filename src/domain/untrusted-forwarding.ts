// Remembers that requests came through what looks like a proxy, and is none that is trusted.
import { toIso } from '../lib/clock.ts';
import type { SettingTable } from '../store/settings.ts';

const NAME = 'untrusted_forwarding';
const DAY = 86_400_000;
const REMEMBERED = 7 * DAY;

export interface UntrustedForwarding {
  /** As `2026-11-22T14:32:59.000Z`. */
  readonly at: string;
  readonly peer: string;
}

/** Of all processes one writes, once a day. */
export function rememberForwarding(
  settingTable: SettingTable,
  peer: string,
  at: number,
): Promise<void> {
  // Times of one length and form are in order as texts.
  return settingTable.setIfBefore(NAME, `${toIso(at)} ${peer}`, toIso(at - DAY));
}

/** Undefined where there was none for a week. */
export async function findForwarding(
  settingTable: SettingTable,
  at: number,
): Promise<UntrustedForwarding | undefined> {
  const [time = '', peer = ''] = ((await settingTable.find(NAME)) ?? '').split(' ');
  return time > toIso(at - REMEMBERED) ? { at: time, peer } : undefined;
}
