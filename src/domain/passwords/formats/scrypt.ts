// scrypt (RFC 7914) under the notations in use, and what Firebase makes of it.
import { createCipheriv, type ScryptOptions, scrypt as scryptOf } from 'node:crypto';
import {
  createFormat,
  decodeBase64,
  decodeHex,
  type HashFormat,
  isBetween,
  isKey,
  isSame,
  readJson,
  readParameters,
  textOf,
} from './format.ts';

interface Costs {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

interface Parts extends Costs {
  readonly salt: Buffer;
  readonly key: Buffer;
}

/** For one block of 128 bytes. */
const NANOSECONDS = 500;
/** What PBKDF2 takes for the blocks before and after, in blocks of scrypt. */
const BOTH_ENDS = 2;
const MOST_LANES = 2 ** 16;
const MOST_BLOCKS = 2 ** 16;

const memoryOf = ({ n, r, p }: Costs) => 128 * r * (n + p);

const costOf = (costs: Costs) => ({
  words: `N=${costs.n},r=${costs.r},p=${costs.p}`,
  milliseconds: ((costs.n + BOTH_ENDS) * costs.r * costs.p * NANOSECONDS) / 1e6,
  memory: memoryOf(costs),
});

function partsOf(numbers: number[], salt: Buffer | undefined, key: Buffer | undefined) {
  const [n = 0, r = 0, p = 0] = numbers;
  // The upper bound is that of RFC 7914, 6.
  const isPower = isBetween(Math.log2(n), 1, 16 * r - 1);
  const isRight = isPower && isBetween(r, 1, MOST_BLOCKS) && isBetween(p, 1, MOST_LANES);
  const parts: Parts | undefined =
    isRight && salt && isKey(key) ? { n, r, p, salt, key } : undefined;
  return parts;
}

function derive(costs: Costs, password: Buffer, salt: Buffer, size: number): Promise<Buffer> {
  const { n, r, p } = costs;
  const options: ScryptOptions = { N: n, r, p, maxmem: 2 * memoryOf(costs) };
  return new Promise((resolve, reject) => {
    scryptOf(password, salt, size, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

async function verify(parts: Parts, password: Buffer): Promise<boolean> {
  const { salt, key } = parts;
  return isSame(await derive(parts, password, salt, key.length), key);
}

/** `$scrypt$ln=15,r=8,p=1$salt$key`, as the PHC string format and passlib write it. */
function readPhc(hash: string): Parts | undefined {
  const [, parameters, salt, key] = /^\$scrypt\$([^$]+)\$([^$]+)\$([^$]+)$/.exec(hash) ?? [];
  const { ln = 0, r = 0, p = 0 } = readParameters(parameters, ['ln', 'r', 'p']);
  return partsOf([2 ** ln, r, p], decodeBase64(salt), decodeBase64(key));
}

/** `scrypt$16384$salt$8$1$key` */
function readDjango(hash: string): Parts | undefined {
  const shape = /^scrypt\$(\d{1,10})\$([^$]+)\$(\d{1,5})\$(\d{1,5})\$([^$]+)$/;
  const [, n, salt = '', r, p, key] = shape.exec(hash) ?? [];
  return partsOf([n, r, p].map(Number), Buffer.from(salt), decodeBase64(key));
}

/** `scrypt:32768:8:1$salt$key` */
function readWerkzeug(hash: string): Parts | undefined {
  const shape = /^scrypt:(\d{1,10}):(\d{1,5}):(\d{1,5})\$([^$]+)\$([^$]+)$/;
  const [, n, r, p, salt = '', key] = shape.exec(hash) ?? [];
  return partsOf([n, r, p].map(Number), Buffer.from(salt), decodeHex(key));
}

interface NodeParts extends Parts {
  readonly saltText: string;
}

/** `salt:key` in hexadecimal digits. It does not say how it was made. */
function readNode(hash: string): NodeParts | undefined {
  const [, saltText = '', key] = /^([0-9a-f]{16,128}):([0-9a-f]{32,256})$/i.exec(hash) ?? [];
  const parts = partsOf(NODE_COSTS, decodeHex(saltText), decodeHex(key));
  return parts && { ...parts, saltText };
}

/** What Node takes where no costs are named. */
const NODE_COSTS = [16_384, 8, 1];
const textSalt = ({ saltText, ...parts }: NodeParts, r: number): Parts => ({
  ...parts,
  r,
  salt: Buffer.from(saltText),
});

interface FirebaseParts extends Parts {
  readonly signer: Buffer;
}

/** The account's `hash` and `salt` with the `hash_config` of the project. */
function readFirebase(hash: string): FirebaseParts | undefined {
  const json = readJson(hash);
  if (!json || !/^scrypt$/i.test(textOf(json.algorithm))) return undefined;
  const bytes = (name: string) =>
    decodeBase64(textOf(json[name]).replaceAll('-', '+').replaceAll('_', '/'));
  const [signer, salt] = [bytes('base64_signer_key'), bytes('salt')];
  const separator = bytes('base64_salt_separator') ?? Buffer.alloc(0);
  const numbers = [2 ** Number(json.mem_cost), Number(json.rounds), 1];
  const parts = partsOf(numbers, salt && Buffer.concat([salt, separator]), bytes('hash'));
  return parts && signer?.length === parts.key.length ? { ...parts, signer } : undefined;
}

/** The project's key, encrypted by a key that is made from the password. */
async function verifyFirebase(parts: FirebaseParts, password: Buffer): Promise<boolean> {
  const key = await derive(parts, password, parts.salt, 32);
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return isSame(Buffer.concat([cipher.update(parts.signer), cipher.final()]), parts.key);
}

const same = { cost: costOf, verify };

export const SCRYPT_FORMATS: readonly HashFormat[] = [
  createFormat({ name: 'scrypt', begins: /^\$scrypt\$/, read: readPhc, ...same }),
  createFormat({ name: 'Django scrypt', begins: /^scrypt\$/, read: readDjango, ...same }),
  createFormat({ name: 'Werkzeug scrypt', begins: /^scrypt:/, read: readWerkzeug, ...same }),
  createFormat<NodeParts>({
    name: 'Node scrypt',
    begins: /^[0-9a-f]{16,128}:[0-9a-f]{16,}$/i,
    read: readNode,
    cost: costOf,
    // Most keep the salt as the text that they print; some as bytes; some libraries take r=16.
    verify: (parts, password) => verify(textSalt(parts, 8), password),
    others: [verify, (parts, password) => verify(textSalt(parts, 16), password)],
  }),
  createFormat({
    name: 'Firebase scrypt',
    begins: /^\{.*"base64_signer_key"/s,
    read: readFirebase,
    cost: costOf,
    verify: verifyFirebase,
  }),
];
