// How crypt(3) makes a checksum of a password: Poul-Henning Kamp's MD5 and Ulrich Drepper's SHA.
import { hash as digestOf } from 'node:crypto';

export interface CryptTask {
  readonly kind: '1' | 'apr1' | '5' | '6';
  readonly salt: string;
  readonly rounds: number;
}

const LETTERS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** Six bits a letter, lowest first. */
export function toLetters(value: number, count: number): string {
  return Array.from({ length: count }, (_, at) => LETTERS[(value >> (6 * at)) & 63]).join('');
}

export function cryptChecksum({ kind, salt, rounds }: CryptTask, password: Buffer): Buffer {
  const by = Buffer.from(salt);
  const checksum =
    kind === '5' || kind === '6'
      ? shaCrypt(kind === '5' ? 'sha256' : 'sha512', by, rounds, password)
      : md5Crypt(`$${kind}$`, by, password);
  return Buffer.from(checksum);
}

const cycle = (bytes: Buffer, length: number) =>
  bytes.length === 0 ? bytes : Buffer.alloc(length, bytes);
const digest = (algorithm: string, ...parts: readonly Uint8Array[]) =>
  digestOf(algorithm, Buffer.concat(parts), 'buffer');

const MD5_ROUNDS = 1000;
const MD5_ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5];

function md5Crypt(magic: string, salt: Buffer, password: Buffer): string {
  const md5 = (...parts: readonly Uint8Array[]) => digest('md5', ...parts);
  const first: Buffer[] = [password, Buffer.from(magic), salt];
  first.push(cycle(md5(password, salt, password), password.length));
  const zero = Buffer.alloc(1);
  for (let bits = password.length; bits > 0; bits >>= 1)
    first.push(bits & 1 ? zero : password.subarray(0, 1));
  let made: Buffer = md5(...first);
  for (let round = 0; round < MD5_ROUNDS; round += 1)
    made = oneRound(round, made, password, salt, md5);
  const ordered = MD5_ORDER.map((at) => made[at] ?? 0);
  return lettersOf(ordered) + toLetters(made[11] ?? 0, 2);
}

function oneRound(
  round: number,
  made: Buffer,
  password: Buffer,
  salt: Buffer,
  hash: (...parts: readonly Uint8Array[]) => Buffer,
): Buffer {
  const isOdd = round % 2 === 1;
  const parts = [isOdd ? password : made];
  if (round % 3 !== 0) parts.push(salt);
  if (round % 7 !== 0) parts.push(password);
  parts.push(isOdd ? made : password);
  return hash(...parts);
}

/** Three bytes are four letters, the last byte lowest. */
function lettersOf(bytes: readonly number[]): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.slice(at, at + 3);
    text += toLetters((a << 16) | (b << 8) | c, 4);
  }
  return text;
}

type Sha = 'sha256' | 'sha512';

function shaCrypt(algorithm: Sha, salt: Buffer, rounds: number, password: Buffer): string {
  const sha = (...parts: readonly Uint8Array[]) => digest(algorithm, ...parts);
  const inner = sha(password, salt, password);
  const first = [password, salt, cycle(inner, password.length)];
  for (let bits = password.length; bits > 0; bits >>= 1) first.push(bits & 1 ? inner : password);
  let made: Buffer = sha(...first);
  const times = (bytes: Buffer, count: number) => sha(...new Array<Buffer>(count).fill(bytes));
  const p = cycle(times(password, password.length), password.length);
  const s = cycle(times(salt, 16 + (made[0] ?? 0)), salt.length);
  for (let round = 0; round < rounds; round += 1) made = oneRound(round, made, p, s, sha);
  return SHA_LETTERS[algorithm](made);
}

const SHA_LETTERS: Readonly<Record<Sha, (bytes: Buffer) => string>> = {
  sha256: (bytes) => {
    const ordered = inTurns(bytes, [0, 10, 20], ([a, b, c]) => [c + 1, a + 1, b + 1]);
    return lettersOf(ordered) + toLetters(((bytes[31] ?? 0) << 8) | (bytes[30] ?? 0), 3);
  },
  sha512: (bytes) => {
    const ordered = inTurns(bytes, [0, 21, 42], ([a, b, c]) => [b + 1, c + 1, a + 1]);
    return lettersOf(ordered) + toLetters(bytes[63] ?? 0, 2);
  },
};

type Places = readonly [number, number, number];

/** The bytes in the order in which SHA-crypt writes them: three at a time, from each third one. */
function inTurns(bytes: Buffer, first: Places, next: (places: Places) => Places): number[] {
  const ordered: number[] = [];
  for (let places = first; ordered.length < 3 * first[1]; places = next(places))
    ordered.push(...places.map((at) => bytes[at] ?? 0));
  return ordered;
}
