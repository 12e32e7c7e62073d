// E-mail addresses as identifiers.
import { domainToASCII } from 'node:url';
import { nfkc } from '../../lib/normal-form.ts';

const SHAPE = /^[^\s@<>"(),:;\\[\]\p{C}]+@[^\s@<>"(),:;\\[\]\p{C}]+\.[^\s@.<>"(),:;\\[\]\p{C}]+$/u;
const LONGEST = 254;

/** Whether the text can be an e-mail address (RFC 5321 lengths, one @, a domain with a dot). */
export function isEmail(text: string): boolean {
  // A wide @ is one too. Looked at first, so that nothing long is worked on.
  const form = text.length <= LONGEST ? nfkc(text) : '';
  return SHAPE.test(form) && form.length <= LONGEST && normalizedEmail(form).length <= LONGEST;
}

/**
 * The form in which two spellings of one address are equal: NFKC, trimmed, lower case, the domain
 * in its ASCII form. One step may make work for another (NFKC takes U+1FBF apart into a space and an
 * accent), so they are repeated until nothing changes: the key of a key is itself.
 */
export function normalizedEmail(email: string): string {
  const form = nfkc(email).trim().toLowerCase();
  const key = withAsciiDomain(form);
  return key === email ? key : normalizedEmail(key);
}

const ASCII = /^\p{ASCII}*$/u;
/** Signs at which a parser of URLs stops or decodes: a domain has none of them. */
const NO_DOMAIN = /[/?#%:@\\[\]\s<>^|]/;

/** UTS 46, non-transitional, as browsers have it; a domain that has no such form stays as it is. */
function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1);
  // What is too long for an address is not worked on: the conversion takes its time.
  const isPlain = at < 0 || address.length > LONGEST || ASCII.test(domain);
  if (isPlain || NO_DOMAIN.test(domain)) return address;
  return address.slice(0, at + 1) + (domainToASCII(domain) || domain);
}
