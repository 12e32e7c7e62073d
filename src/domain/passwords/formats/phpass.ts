// phpass, as WordPress, phpBB and Drupal 7 to 10 have it: a digest of a digest, some thousand times.
import { aside } from '../aside.ts';
import { createFormat, type HashFormat, isBetween, isSame } from './format.ts';
import type { PhpassTask } from './phpass-rounds.ts';

interface Parts {
  readonly task: PhpassTask;
  /** As in the system that wrote it. */
  readonly longest: number;
  readonly checksum: string;
}

const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LEAST = 7;
const MOST = 30;
const NANOSECONDS = 2200;

interface Kind {
  readonly name: string;
  readonly begins: RegExp;
  readonly shape: RegExp;
  readonly digest: PhpassTask['digest'];
  readonly longest: number;
}

const createPhpass = ({ name, begins, shape, digest, longest }: Kind): HashFormat =>
  createFormat<Parts>({
    name,
    begins,
    read: (hash) => {
      const [, letter = '', salt = '', checksum = ''] = shape.exec(hash) ?? [];
      const power = LETTERS.indexOf(letter);
      const isRight = letter !== '' && isBetween(power, LEAST, MOST);
      return isRight ? { task: { digest, power, salt }, longest, checksum } : undefined;
    },
    cost: ({ task: { power } }) => ({
      words: `2^${power}`,
      milliseconds: (2 ** power * NANOSECONDS) / 1e6,
      memory: 0,
    }),
    verify: async ({ task, checksum, longest }, password) => {
      if (password.length > longest) return false;
      const made = await aside({ by: 'phpass', task, password });
      // Drupal cuts the end off.
      return isSame(made.subarray(0, checksum.length), Buffer.from(checksum));
    },
  });

export const PHPASS_FORMATS: readonly HashFormat[] = [
  createPhpass({
    name: 'phpass',
    begins: /^\$[PH]\$/,
    shape: /^\$[PH]\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{22})$/,
    digest: 'md5',
    longest: 4096,
  }),
  createPhpass({
    name: 'Drupal',
    begins: /^\$S\$/,
    shape: /^\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{43})$/,
    digest: 'sha512',
    longest: 512,
  }),
];
