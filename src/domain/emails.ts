// E-mail addresses as identifiers.
import { nfkc } from '../lib/normal-form.ts';

const SHAPE = /^[^\s@<>"(),:;\\[\]\p{C}]+@[^\s@<>"(),:;\\[\]\p{C}]+\.[^\s@.<>"(),:;\\[\]\p{C}]+$/u;
const LONGEST = 254;

/** Whether the text can be an e-mail address (RFC 5321 lengths, one @, a domain with a dot). */
export function isEmail(text: string): boolean {
  // In the form in which it is compared: a wide @ is one too.
  const form = nfkc(text);
  return form.length <= LONGEST && SHAPE.test(form);
}

/** The form in which two spellings of one address are equal: trimmed, NFKC, lower case. */
export function emailKey(email: string): string {
  return nfkc(email.trim()).toLowerCase();
}
