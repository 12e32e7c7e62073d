// Whether a password is a listed word, or little more than one. Pages load this file too.

const OTHER_LETTERS = 8;
/** Shorter words turn up in random letters, so they count only where they stand alone. */
const SHORTEST_WITHIN = 5;
const SHORTEST_ALONE = 4;

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
 * One sign for one code point, so that places in the text stay what they are.
 * @param {string} text
 */
export function foldings(text) {
  return FOLDINGS.map((table) => [...text].map((sign) => table[sign] ?? sign).join(''));
}

/**
 * @param {string} text lower case
 * @param {'whole' | 'within'} where
 * @param {import('./rules.js').Aids} aids
 */
export function isListedWord(text, where, { isListed, longestWord = 0 }) {
  if (!isListed) return false;
  const core = stripEnds(text);
  const cores = [text, ...foldings(core), ...foldings(text).map(stripEnds)];
  if (cores.some(isListed)) return true;
  return where === 'within' && foldings(text).some(hasListedCore(text, isListed, longestWord));
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
