// md5crypt, its sister of Apache, and SHA-crypt.
import { aside } from '../aside.ts';
import type { CryptTask } from './crypt-rounds.ts';
import { createFormat, type HashFormat, isBetween, isSame } from './format.ts';

type Parts = CryptTask & {
  readonly checksum: string;
};

/** As in crypt itself: what is longer would cost as many times more. */
const LONGEST_PASSWORD = 512;
/** For a round over the longest password. */
const NANOSECONDS = 4100;

const same = {
  longest: LONGEST_PASSWORD,
  cost: ({ rounds }: Parts) => ({
    words: String(rounds),
    milliseconds: (rounds * NANOSECONDS) / 1e6,
    memory: 0,
  }),
  verify: async ({ checksum, ...task }: Parts, password: Buffer) =>
    isSame(await aside({ by: 'crypt', task, password }), Buffer.from(checksum)),
};

function readMd5(hash: string): Parts | undefined {
  const shape = /^\$(1|apr1)\$([^$:\n]{0,8})\$([./0-9A-Za-z]{22})$/;
  const [, kind, salt = '', checksum = ''] = shape.exec(hash) ?? [];
  return kind ? { kind: kind as '1' | 'apr1', salt, rounds: 1000, checksum } : undefined;
}

const LEAST_ROUNDS = 1000;
const MOST_ROUNDS = 999_999_999;
const CHECKSUM_LETTERS = { '5': 43, '6': 86 };

function readSha(hash: string): Parts | undefined {
  const shape = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:\n]{0,16})\$([./0-9A-Za-z]+)$/;
  const [, kind, rounds = '5000', salt = '', checksum = ''] = shape.exec(hash) ?? [];
  if (kind !== '5' && kind !== '6') return undefined;
  const isWhole = checksum.length === CHECKSUM_LETTERS[kind];
  const isRight = isWhole && isBetween(Number(rounds), LEAST_ROUNDS, MOST_ROUNDS);
  return isRight ? { kind, salt, rounds: Number(rounds), checksum } : undefined;
}

export const CRYPT_FORMATS: readonly HashFormat[] = [
  createFormat({ name: 'md5crypt', begins: /^\$(?:1|apr1)\$/, read: readMd5, ...same }),
  createFormat({ name: 'SHA-crypt', begins: /^\$[56]\$/, read: readSha, ...same }),
];
