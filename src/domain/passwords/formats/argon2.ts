// argon2 of any kind and cost, in the PHC form; ours is argon2id.
import argon2Library from 'argon2';
import { behind, type HashFormat, isBetween, readParameters } from './format.ts';

const SHAPE = /^\$(argon2(?:id|i|d))\$(?:v=(\d+)\$)?([mtp=\d,]+)\$[\w+/]{11,}\$[\w+/]{22,}$/;
const MOST_MEMORY = 1024 * 1024;
const MOST_PASSES = 64;
const MOST_LANES = 64;

export interface Argon2Costs {
  readonly kind: string;
  readonly version: number;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

export function argon2Costs(hash: string): Argon2Costs | undefined {
  const [, kind = '', version = '16', parameters] = SHAPE.exec(hash) ?? [];
  const { m = 0, t = 0, p = 0 } = readParameters(parameters);
  if (!isBetween(m, 8, MOST_MEMORY) || !isBetween(t, 1, MOST_PASSES)) return undefined;
  if (!isBetween(p, 1, MOST_LANES)) return undefined;
  return { kind, version: Number(version), memory: m, passes: t, lanes: p };
}

export const argon2: HashFormat = {
  name: 'argon2',
  is: (hash) => argon2Costs(hash) !== undefined,
  cost: (hash) => hash.split('$').at(-3) ?? '',
  verify: (hash, password) => argon2Library.verify(hash, password),
};

/** `argon2$argon2id$v=19$…` */
export const djangoArgon2 = behind('argon2', 'django-argon2', argon2);
