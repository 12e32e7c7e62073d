// Passwords that everybody tries first, and the words of a dictionary (docs/decisions/0012).
import { createRequire } from 'node:module';

export interface Words {
  /** Of a word in lower case. */
  has(word: string): boolean;
  /** Characters of the longest one. */
  readonly longest: number;
}

interface Lists {
  readonly dictionary: Readonly<Record<string, readonly string[]>>;
}

const PACKAGES = ['@zxcvbn-ts/language-common', '@zxcvbn-ts/language-en'];
/** Rare family names are as good as any letters. */
const FAMILY_NAMES = 'lastnames-en';
const COMMON_FAMILY_NAMES = 10_000;

let words: Words | undefined;

/** Read at the first use: a hundred thousand words that most commands do not need. */
export function loadWords(): Words {
  words ??= readWords();
  return words;
}

function readWords(): Words {
  const require = createRequire(import.meta.url);
  const lists = PACKAGES.flatMap((name) => Object.entries((require(name) as Lists).dictionary));
  const all = new Set<string>();
  for (const [name, list] of lists) {
    const used = name === FAMILY_NAMES ? list.slice(0, COMMON_FAMILY_NAMES) : list;
    for (const word of used) all.add(word.normalize('NFKC').toLowerCase());
  }
  const longest = Math.max(...Array.from(all, (word) => word.length));
  return { has: (word) => all.has(word), longest };
}
