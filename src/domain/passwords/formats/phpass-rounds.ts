// How phpass makes a checksum of a password.
import { hash as digestOf } from 'node:crypto';
import { toLetters } from './crypt-rounds.ts';

export interface PhpassTask {
  readonly digest: 'md5' | 'sha512';
  /** Of two. */
  readonly power: number;
  readonly salt: string;
}

export function phpassChecksum({ digest, power, salt }: PhpassTask, password: Buffer): Buffer {
  const next = (before: Uint8Array) =>
    digestOf(digest, Buffer.concat([before, password]), 'buffer');
  let made = next(Buffer.from(salt));
  for (let round = 2 ** power; round > 0; round -= 1) made = next(made);
  return Buffer.from(lettersOf(made));
}

/** Three bytes are four letters, the first byte lowest; a rest takes as many as it needs. */
function lettersOf(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const count = Math.min(4, bytes.length - at + 1);
    text += toLetters(a | (b << 8) | (c << 16), count);
  }
  return text;
}
