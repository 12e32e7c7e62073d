// What a password must be: plain JavaScript, because pages load this very file to judge live.
import { foldings, isListedWord } from './listed.js';

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

/**
 * @param {string} password
 * @param {RuleSettings} settings
 * @param {Aids} [aids]
 * @returns {Rule[]} the rules that are not met
 */
export function unmetRules(password, settings, aids = {}) {
  const text = password.normalize('NFKC');
  // What is too long is refused in any case, and a letter can become eighteen in this form: the
  // other rules, some of which look at every part of it, see no more than could be a password.
  const possible = [...text].slice(0, settings.max).join('');
  const isMet = (/** @type {Rule} */ rule) =>
    JUDGES[rule](rule === 'length' ? text : possible, settings, aids);
  return settings.rules.filter((rule) => !isMet(rule));
}

/** @type {Readonly<Record<Rule, (text: string, settings: RuleSettings, aids: Aids) => boolean>>} */
const JUDGES = {
  length: (text, { min, max }) => isBetween([...text].length, min, max),
  uppercase: (text) => /[\p{Lu}\p{Lt}]/u.test(text),
  lowercase: (text) => /\p{Ll}/u.test(text),
  digit: (text) => /\p{Nd}/u.test(text),
  special: (text) => /[^\p{L}\p{M}\p{N}\p{C}]/u.test(text),
  listed: (text, { listed }, aids) => !isListedWord(text.toLowerCase(), listed, aids),
  personal: (text, _settings, { personal = [] }) => !holdsAny(text.toLowerCase(), personal),
  runs: (text) => !hasRun(text.toLowerCase()),
  repeats: (text) => !/(.)\1{3}/su.test(text),
};

/** @type {(value: number, min: number, max: number) => boolean} */
const isBetween = (value, min, max) => value >= min && value <= max;

/** @type {(text: string, words: readonly string[]) => boolean} */
const holdsAny = (text, words) =>
  foldings(text).some((each) => words.some((w) => each.includes(w)));

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
