// What a password must be: plain JavaScript, because pages load this very file to judge live.

/**
 * @typedef {'length' | 'uppercase' | 'lowercase' | 'digit' | 'special' | 'listed' | 'personal' |
 *   'runs' | 'repeats'} Rule
 *
 * @typedef {object} RuleSettings Which rules count; lengths in Unicode code points after NFKC.
 * @property {number} min
 * @property {number} max
 * @property {readonly Rule[]} rules in the order in which they are shown
 * @property {'whole' | 'within'} listed a listed word may not be all there is, or the core of it
 *
 * @typedef {object} Aids What only the server has; a rule that lacks its aid counts as met.
 * @property {(word: string) => boolean} [isListed] lower-case words, at most `longestWord` long
 * @property {number} [longestWord]
 * @property {readonly string[]} [personal] what the password may not hold, lower case, NFKC
 */

/** @type {readonly Rule[]} */
export const RULES = [
  'length',
  'uppercase',
  'lowercase',
  'digit',
  'special',
  'listed',
  'personal',
  'runs',
  'repeats',
];

const RUN = 4;
const OTHER_LETTERS = 8;
/** Shorter words turn up in random letters, so they count only where they stand alone. */
const SHORTEST_WITHIN = 5;
const SHORTEST_ALONE = 4;

/** Rows of QWERTY, QWERTZ and AZERTY, with and without shift. */
const KEYBOARD = [
  '`1234567890-=',
  '~!@#$%^&*()_+',
  'qwertyuiop[]\\',
  "asdfghjkl;'",
  'zxcvbnm,./',
  'qwertzuiop',
  'yxcvbnm',
  'azertyuiop',
  'qsdfghjklm',
  'wxcvbn',
];
const ROWS = [...KEYBOARD, ...KEYBOARD.map((row) => [...row].reverse().join(''))];

/** Signs that stand for letters; two of them for one or another. */
const LEET = {
  '@': 'a',
  4: 'a',
  8: 'b',
  '(': 'c',
  3: 'e',
  '€': 'e',
  6: 'g',
  9: 'g',
  '#': 'h',
  1: 'i',
  '!': 'i',
  '|': 'i',
  0: 'o',
  5: 's',
  $: 's',
  7: 't',
  '+': 't',
  2: 'z',
};
/** @type {ReadonlyArray<Readonly<Record<string, string>>>} */
const FOLDINGS = [{}, LEET, { ...LEET, 1: 'l', '!': 'l', '|': 'l', 6: 'b', 9: 'q', 7: 'l' }];

/**
 * @param {string} password
 * @param {RuleSettings} settings
 * @param {Aids} [aids]
 * @returns {Rule[]} the rules that are not met
 */
export function unmetRules(password, settings, aids = {}) {
  const text = password.normalize('NFKC');
  return settings.rules.filter((rule) => !JUDGES[rule](text, settings, aids));
}

/** @type {Readonly<Record<Rule, (text: string, settings: RuleSettings, aids: Aids) => boolean>>} */
const JUDGES = {
  length: (text, { min, max }) => isBetween([...text].length, min, max),
  uppercase: (text) => /[\p{Lu}\p{Lt}]/u.test(text),
  lowercase: (text) => /\p{Ll}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
  special: (text) => /[^\p{L}\p{M}\p{N}\p{C}]/u.test(text),
  listed: (text, settings, aids) => !isListedWord(text.toLowerCase(), settings, aids),
  personal: (text, _settings, { personal = [] }) => !holdsAny(text.toLowerCase(), personal),
  runs: (text) => !hasRun(text.toLowerCase()),
  repeats: (text) => !/(.)\1{3}/su.test(text),
};

/** @type {(value: number, min: number, max: number) => boolean} */
const isBetween = (value, min, max) => value >= min && value <= max;

/** @type {(text: string, words: readonly string[]) => boolean} */
const holdsAny = (text, words) =>
  foldings(text).some((each) => words.some((w) => each.includes(w)));

/**
 * One sign for one code point, so that places in the text stay what they are.
 * @param {string} text
 */
function foldings(text) {
  return FOLDINGS.map((table) => [...text].map((sign) => table[sign] ?? sign).join(''));
}

/** @param {string} text */
function hasRun(text) {
  const windows = [...text].map((_, at, all) => all.slice(at, at + RUN));
  return windows.some((run) => run.length === RUN && (isSequence(run) || isOnRow(run.join(''))));
}

/** @param {readonly string[]} run */
function isSequence(run) {
  const alike = [/^\p{L}+$/u, /^\p{Nd}+$/u].some((kind) => kind.test(run.join('')));
  const codes = run.map((sign) => sign.codePointAt(0) ?? 0);
  const steps = codes.slice(1).map((code, index) => code - (codes[index] ?? 0));
  return alike && Math.abs(steps[0] ?? 0) === 1 && steps.every((step) => step === steps[0]);
}

/** @param {string} run */
const isOnRow = (run) => ROWS.some((row) => row.includes(run));

/**
 * @param {string} text lower case
 * @param {RuleSettings} settings
 * @param {Aids} aids
 */
function isListedWord(text, { listed }, { isListed, longestWord = 0 }) {
  if (!isListed) return false;
  const core = stripEnds(text);
  const cores = [text, ...foldings(core), ...foldings(text).map(stripEnds)];
  if (cores.some(isListed)) return true;
  return listed === 'within' && foldings(text).some(hasListedCore(text, isListed, longestWord));
}

/** Without the digits and symbols at either end. */
const stripEnds = (/** @type {string} */ text) => text.replace(/^\P{L}+|\P{L}+$/gu, '');

/**
 * Whether a listed word stands in the folded text with fewer than 8 letters beside it.
 * @param {string} text as typed, lower case
 * @param {(word: string) => boolean} isListed
 * @param {number} longest
 */
function hasListedCore(text, isListed, longest) {
  const letters = [...text].map((sign) => /\p{L}/u.test(sign));
  return (/** @type {string} */ folded) => {
    const signs = [...folded];
    const words = wordsWithin(signs, letters, longest).filter((word) => isListed(word.join('')));
    return words.some((word) => lettersBeside(signs, word, letters) < OTHER_LETTERS);
  };
}

/**
 * Parts of the text that could be words. Half of one is typed as letters, all of a short one:
 * among random signs there is always something that folds to a word.
 * @param {readonly string[]} signs
 * @param {readonly boolean[]} letters
 * @param {number} longest
 * @returns {string[][]}
 */
function wordsWithin(signs, letters, longest) {
  const words = [];
  for (let from = 0; from < signs.length; from += 1) {
    const end = Math.min(signs.length, from + longest);
    for (let to = from + SHORTEST_ALONE; to <= end; to += 1) {
      const typed = letters.slice(from, to).filter(Boolean).length;
      const isLong = to - from >= SHORTEST_WITHIN && 2 * typed >= to - from;
      const isAlone = typed === to - from && standsAlone(letters, from, to);
      if (isLong || isAlone) words.push(signs.slice(from, to));
    }
  }
  return words;
}

/** @type {(letters: readonly boolean[], from: number, to: number) => boolean} */
const standsAlone = (letters, from, to) => !letters[from - 1] && !letters[to];

/**
 * The word said again is no other letter.
 * @param {readonly string[]} signs
 * @param {readonly string[]} word
 * @param {readonly boolean[]} isLetter
 */
function lettersBeside(signs, word, isLetter) {
  let letters = 0;
  for (let at = 0; at < signs.length; ) {
    const isWord = word.every((sign, index) => signs[at + index] === sign);
    if (!isWord && isLetter[at]) letters += 1;
    at += isWord ? word.length : 1;
  }
  return letters;
}

/** @typedef {'weak' | 'fair' | 'good' | 'strong'} Strength */

/** @type {readonly Strength[]} */
export const STRENGTHS = ['weak', 'fair', 'good', 'strong'];

/** From how many bits on the next word is due. */
const BITS = [35, 50, 65];
/** What a sign adds: letters as in words, digits and others as if chosen freely. */
const LETTER = 3;
const DIGIT = 3.3;
const OTHER = 4.5;
/** @type {readonly Rule[]} */
const ABOUT_CONTENT = ['listed', 'personal', 'runs', 'repeats'];
/** For each change between kinds of signs: nobody knows where. */
const CHANGE = 2;
const EXPECTED = 0.5;

/**
 * A cautious guess at how hard a password is to guess; what breaks a rule about its content is weak.
 * @param {string} password
 * @param {readonly Rule[]} unmet
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
 * @param {readonly Rule[]} unmet
 * @returns {Rule | 'longer' | 'more' | 'none'}
 */
export function hintFor(strength, unmet) {
  return unmet[0] ?? HINTS[strength];
}
