// Unicode's normal forms of what strangers send, in linear time.

/** From the first mark on: no language puts so many on one letter (UAX #15, 13). */
const MANY_MARKS = /(?:^|[^\p{M}\uff9e\uff9f])[\p{M}\uff9e\uff9f]{31}/u;

export function nfkc(text: string): string {
  return normalized('NFKC', text);
}

/** Marks are sorted, which takes quadratic time: a text with too many on a letter stays as it is. */
export function normalized(form: 'NFC' | 'NFD' | 'NFKC', text: string): string {
  return MANY_MARKS.test(text) ? text : text.normalize(form);
}
