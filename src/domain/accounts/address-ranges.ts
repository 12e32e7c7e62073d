// Ranges of addresses, as people type them.
import { normalRange } from '../../lib/addresses.ts';
import { GatehouseError } from '../../lib/errors.ts';

/** Each once, in one spelling. Throws `invalid_input` with what is neither address nor range. */
export function readRanges(texts: readonly string[]): string[] {
  return [...new Set(texts.map(readRange))];
}

function readRange(text: string): string {
  const range = normalRange(text);
  if (range !== undefined) return range;
  const message = `"${text}" is no address range: try "192.0.2.0/24" or "2001:db8::/32".`;
  throw new GatehouseError('invalid_input', { message });
}
