// Crockford's base32: for codes that people read, write down and type.
import { readTyped } from './typed-codes.ts';

/** No I, L, O and U: nothing looks like anything else. */
export const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const LOOKALIKES: Readonly<Record<string, string>> = { I: '1', L: '1', O: '0' };

/** Five bits a character, from the front; what is left over at the end is dropped. */
export function toCrockford(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const groups = bits.match(/.{5}/g) ?? [];
  return groups.map((group) => CROCKFORD[Number.parseInt(group, 2)]).join('');
}

/** What was meant: upper case, lookalikes folded, nothing between the characters. */
export function readCrockford(text: string): string {
  const upper = readTyped(text).toUpperCase();
  return upper.replace(/[ILO]/g, (letter) => LOOKALIKES[letter] ?? letter);
}
