// How hard a password is to guess, roughly, and what would help. Pages load this file too.

/** @typedef {'weak' | 'fair' | 'good' | 'strong'} Strength */

/** @type {readonly Strength[]} */
export const STRENGTHS = ['weak', 'fair', 'good', 'strong'];

/** From how many bits on the next word is due. */
const BITS = [35, 50, 65];
/** What a sign adds: letters as in words, digits and others as if chosen freely. */
const LETTER = 3;
const DIGIT = 3.3;
const OTHER = 4.5;
/** @type {readonly import('./rules.js').Rule[]} */
const ABOUT_CONTENT = ['listed', 'personal', 'runs', 'repeats'];
/** For each change between kinds of signs: nobody knows where. */
const CHANGE = 2;
const EXPECTED = 0.5;

/**
 * A cautious guess at how hard a password is to guess; what breaks a rule about its content is weak.
 * @param {string} password
 * @param {readonly import('./rules.js').Rule[]} unmet
 * @returns {Strength}
 */
export function strengthOf(password, unmet) {
  if (unmet.some((rule) => ABOUT_CONTENT.includes(rule))) return 'weak';
  const bits = bitsOf([...password.normalize('NFKC')]);
  const most = unmet.includes('length') ? 1 : STRENGTHS.length;
  const level = Math.min(most, BITS.filter((limit) => bits >= limit).length);
  return STRENGTHS[level] ?? 'weak';
}

/** @param {readonly string[]} signs */
function bitsOf(signs) {
  const kinds = signs.map(kindOf);
  const seen = new Set();
  return signs.reduce((bits, sign, at) => {
    const pair = `${signs[at - 1] ?? ''}${sign}`;
    const isKnown = sign === signs[at - 1] || seen.has(pair);
    seen.add(pair);
    if (isKnown) return bits + EXPECTED;
    const change = at > 0 && kinds[at] !== kinds[at - 1] ? CHANGE : 0;
    return bits + change + (WEIGHT[kinds[at] ?? 'other'] ?? OTHER);
  }, 0);
}

/** @type {Readonly<Record<string, number>>} */
const WEIGHT = { upper: LETTER, lower: LETTER, digit: DIGIT, other: OTHER };

/** @param {string} sign */
function kindOf(sign) {
  if (/[\p{Lu}\p{Lt}]/u.test(sign)) return 'upper';
  if (/\p{L}/u.test(sign)) return 'lower';
  return /\p{Nd}/u.test(sign) ? 'digit' : 'other';
}

/** @type {Readonly<Record<Strength, 'longer' | 'more' | 'none'>>} */
const HINTS = { weak: 'longer', fair: 'longer', good: 'more', strong: 'none' };

/**
 * What would help most: an unmet rule, or more of it.
 * @param {Strength} strength
 * @param {readonly import('./rules.js').Rule[]} unmet
 * @returns {import('./rules.js').Rule | 'longer' | 'more' | 'none'}
 */
export function hintFor(strength, unmet) {
  return unmet[0] ?? HINTS[strength];
}
