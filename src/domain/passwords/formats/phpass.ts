// phpass, as WordPress, phpBB and Drupal 7 to 10 have it: a digest of a digest, some thousand times.
import { aside } from '../aside.ts';
import { createFormat, type HashFormat, isBetween, isSame } from './format.ts';
import type { PhpassTask } from './phpass-rounds.ts';

interface Parts {
  readonly task: PhpassTask;
  readonly checksum: string;
}

const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const LEAST = 7;
const MOST = 30;

interface Kind {
  readonly name: string;
  readonly begins: RegExp;
  readonly shape: RegExp;
  readonly digest: PhpassTask['digest'];
  /** Bytes of a password, as in the system that wrote it. */
  readonly longest: number;
  /** For a round over the longest password. */
  readonly nanoseconds: number;
}

const createPhpass = ({ name, begins, shape, digest, longest, nanoseconds }: Kind): HashFormat =>
  createFormat<Parts>({
    name,
    begins,
    longest,
    read: (hash) => {
      const [, letter = '', salt = '', checksum = ''] = shape.exec(hash) ?? [];
      const power = LETTERS.indexOf(letter);
      const isRight = letter !== '' && isBetween(power, LEAST, MOST);
      return isRight ? { task: { digest, power, salt }, checksum } : undefined;
    },
    cost: ({ task: { power } }) => ({
      words: `2^${power}`,
      milliseconds: (2 ** power * nanoseconds) / 1e6,
      memory: 0,
    }),
    verify: async ({ task, checksum }, password) => {
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
    nanoseconds: 10_500,
  }),
  createPhpass({
    name: 'Drupal',
    begins: /^\$S\$/,
    shape: /^\$S\$([./0-9A-Za-z])([./0-9A-Za-z]{8})([./0-9A-Za-z]{43})$/,
    digest: 'sha512',
    longest: 512,
    nanoseconds: 4500,
  }),
];
