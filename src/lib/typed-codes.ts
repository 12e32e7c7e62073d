// Codes as people type and paste them: separators are taken out, and the digits of any script read.
import { nfkc } from './normal-form.ts';

/** Spaces, dashes and what has no width; a Japanese keyboard gives a long vowel mark for a dash. */
const SEPARATORS = /[\s\p{Z}\p{Dash}\p{Cf}\p{Default_Ignorable_Code_Point}\u0085ー]/gu;
const DIGIT = /^\p{Nd}$/u;
const DIGITS = /\p{Nd}/gu;
const SIX_DIGITS = /^[0-9]{6}$/;

/** What was meant, with ASCII digits and nothing between the characters. */
export function readTyped(text: string): string {
  return nfkc(text).replace(SEPARATORS, '').replace(DIGITS, toAscii);
}

/** Undefined for what is not six digits, and so no code of an app or of a text message. */
export function readSixDigits(text: string): string | undefined {
  const code = readTyped(text);
  return SIX_DIGITS.test(code) ? code : undefined;
}

const isDigit = (point: number) => DIGIT.test(String.fromCodePoint(point));

/** Unicode encodes the digits of a script in a row, from 0 to 9; two scripts may stand side by side. */
function toAscii(digit: string): string {
  if (digit <= '9') return digit;
  const point = digit.codePointAt(0) ?? 0;
  let first = point;
  while (isDigit(first - 1)) first -= 1;
  return String((point - first) % 10);
}
