// How a page calls a browser, from what it says of itself.
import { describeAgent } from '../lib/user-agents.ts';
import type { Translate } from '../web/catalogue.ts';

/** `Firefox on Linux`. */
export function agentLabel(userAgent: string, t: Translate): string {
  const { browser, system } = describeAgent(userAgent);
  if (browser && system) return t('agents.both', { browser, system });
  return browser || system || t('agents.unknown');
}
