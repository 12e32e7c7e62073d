// A digest of salt and password, and the digest of that as often as told.
import { hash as digestOf } from 'node:crypto';

export interface DigestTask {
  readonly algorithm: string;
  readonly salt: Uint8Array;
  readonly saltFirst: boolean;
  readonly iterations: number;
}

/** As Apache Shiro does: each further round digests the bytes of the last one alone. */
export function digestChain(task: DigestTask, password: Buffer): Buffer {
  const { algorithm, salt, saltFirst, iterations } = task;
  const parts = saltFirst ? [salt, password] : [password, salt];
  let made = digestOf(algorithm, Buffer.concat(parts), 'buffer');
  for (let round = 1; round < iterations; round += 1) made = digestOf(algorithm, made, 'buffer');
  return made;
}
