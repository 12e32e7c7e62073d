// argon2 of any kind and cost, in the PHC form; ours is argon2id.
import argon2Library from 'argon2';
import {
  behind,
  type Cost,
  createFormat,
  decodeBase64,
  type HashFormat,
  isBetween,
  isKey,
  isSame,
  readParameters,
} from './format.ts';

const SHAPE =
  /^\$(argon2(?:id|i|d))\$(?:v=(\d{1,3})\$)?([mtp=\d,]+)(?:,keyid=([\w+/]*))?(?:,data=([\w+/]*={0,2}))?\$([\w+/]+={0,2})\$([\w+/]+={0,2})$/;
const MOST_LANES = 64;
/** Of KiB and passes (RFC 9106, 3.1). */
const MOST = 2 ** 32 - 1;
const SHORTEST_SALT = 8;
const VERSIONS = [16, 19];
/** For one KiB in one pass. */
const NANOSECONDS = 1200;
/** For the thread of one lane, of which each pass starts four. */
const NANOSECONDS_OF_THREAD = 40_000;

export interface Argon2Costs {
  readonly kind: string;
  readonly version: number;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly lanes: number;
}

export interface Argon2Parts extends Argon2Costs {
  readonly salt: Buffer;
  readonly key: Buffer;
  /** Hashed along with the password. */
  readonly data: Buffer;
}

export function argon2Costs(hash: string): Argon2Costs | undefined {
  return read(hash);
}

/** A `keyid` names a key that the other system may have had: the hash is read as made without. */
function read(hash: string): Argon2Parts | undefined {
  const [, kind = '', version = '16', parameters, , data = '', salt, key] = SHAPE.exec(hash) ?? [];
  const { m = 0, t = 0, p = 0 } = readParameters(parameters, ['m', 't', 'p']);
  return argon2PartsOf({
    kind,
    version: Number(version),
    memory: m,
    passes: t,
    lanes: p,
    salt: decodeBase64(salt),
    key: decodeBase64(key),
    data: Buffer.from(data, 'base64'),
  });
}

type Undecoded = Argon2Costs & {
  readonly salt: Buffer | undefined;
  readonly key: Buffer | undefined;
  readonly data: Buffer;
};

/** Undefined for what argon2 does not allow. */
export function argon2PartsOf({ salt, key, ...rest }: Undecoded): Argon2Parts | undefined {
  const { version, memory, passes, lanes } = rest;
  if (!Object.hasOwn(KINDS, rest.kind) || !VERSIONS.includes(version)) return undefined;
  if (!isBetween(lanes, 1, MOST_LANES)) return undefined;
  if (!isBetween(memory, 8 * lanes, MOST) || !isBetween(passes, 1, MOST)) return undefined;
  return salt && salt.length >= SHORTEST_SALT && isKey(key) ? { ...rest, salt, key } : undefined;
}

export function argon2Cost({ memory, passes, lanes }: Argon2Costs): Cost {
  const threads = lanes > 1 ? 4 * lanes : 0;
  return {
    words: `m=${memory},t=${passes},p=${lanes}`,
    milliseconds: (passes * (memory * NANOSECONDS + threads * NANOSECONDS_OF_THREAD)) / 1e6,
    memory: memory * 1024,
  };
}

const KINDS: Readonly<Record<string, 0 | 1 | 2>> = { argon2d: 0, argon2i: 1, argon2id: 2 };

export async function verifyArgon2(parts: Argon2Parts, password: Buffer): Promise<boolean> {
  const { kind, version, memory, passes, lanes, salt, key, data } = parts;
  const derived = await argon2Library.hash(password, {
    type: KINDS[kind] ?? 2,
    version,
    memoryCost: memory,
    timeCost: passes,
    parallelism: lanes,
    salt,
    hashLength: key.length,
    associatedData: data,
    raw: true,
  });
  return isSame(derived, key);
}

export const argon2: HashFormat = createFormat({
  name: 'argon2',
  begins: /^\$argon2(?:id|i|d)\$/,
  read,
  cost: argon2Cost,
  verify: verifyArgon2,
});

/** `argon2$argon2id$v=19$…` */
export const djangoArgon2 = behind(/^argon2(?=\$argon2)/, 'Django argon2', [argon2]);
