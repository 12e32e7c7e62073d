// What every form of a stored password looks like, and how its parts are read.
import { timingSafeEqual } from 'node:crypto';

export interface Cost {
  /** In the words of the form: `N=16384,r=8,p=1`. */
  readonly words: string;
  /** Of one hash, about, on the machine of docs/decisions/0033. */
  readonly milliseconds: number;
  /** Bytes. */
  readonly memory: number;
}

export type Verify = (hash: string, password: Buffer) => Promise<boolean>;

export interface HashFormat {
  readonly name: string;
  /** How such a hash begins, even where the rest of it is damaged. */
  readonly begins: RegExp;
  /** Whether this form can read the hash, whatever it costs. */
  is(hash: string): boolean;
  /** Called where {@link is} holds. Computes nothing of the hash itself. */
  cost(hash: string): Cost;
  /** Called where {@link is} holds. Works off the main thread. */
  readonly verify: Verify;
  /** For a text that does not say in which of several ways it was made: the other ways. */
  readonly others?: readonly Verify[];
  /** Bytes of a password that count, where not all of them do. */
  readonly reads?: number;
}

interface Row<Parts> extends Pick<HashFormat, 'name' | 'begins' | 'reads'> {
  /** Undefined for what is no whole hash of this form. */
  read(hash: string): Parts | undefined;
  cost(parts: Parts): Cost;
  verify(parts: Parts, password: Buffer): Promise<boolean>;
  readonly others?: ReadonlyArray<(parts: Parts, password: Buffer) => Promise<boolean>>;
}

/** A form whose hash is taken apart first. */
export function createFormat<Parts>(row: Row<Parts>): HashFormat {
  const { name, begins, reads, read, others = [] } = row;
  const with_ = <T>(hash: string, use: (parts: Parts) => T): T => {
    const parts = read(hash);
    if (parts === undefined) throw new Error(`no hash of the form ${name}`);
    return use(parts);
  };
  const verifyBy =
    (verify: Row<Parts>['verify']): Verify =>
    async (hash, password) =>
      with_(hash, (parts) => verify(parts, password));
  return {
    name,
    begins,
    is: (hash) => read(hash) !== undefined,
    cost: (hash) => with_(hash, row.cost),
    verify: verifyBy(row.verify),
    others: others.map(verifyBy),
    ...(reads === undefined ? {} : { reads }),
  };
}

/** Standard alphabet, padded or not; `.` for `+` as passlib writes it. Undefined for other text. */
export function decodeBase64(text = ''): Buffer | undefined {
  if (!/^[A-Za-z0-9+/.]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}

export function decodeHex(text = ''): Buffer | undefined {
  return /^(?:[0-9a-f]{2})+$/i.test(text) ? Buffer.from(text, 'hex') : undefined;
}

/** `m=19456,t=2,p=1` */
export function readParameters(text = ''): Record<string, number> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return [name, /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN];
    }),
  );
}

/** Of whole numbers. */
export function isBetween(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= most;
}

const SHORTEST_KEY = 16;
const LONGEST_KEY = 256;

/** A shorter key would be met by chance. */
export function isKey(key: Buffer | undefined): key is Buffer {
  return isBetween(key?.length, SHORTEST_KEY, LONGEST_KEY);
}

/** In constant time, for both of one length. */
export function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

type Json = Readonly<Record<string, unknown>>;

/** Undefined for what is no object of JSON. */
export function readJson(text: unknown): Json | undefined {
  if (typeof text === 'object') return text === null ? undefined : (text as Json);
  if (typeof text !== 'string' || !text.startsWith('{"')) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Forms of elsewhere behind a prefix of one's own, as Django and directories write them. */
export function behind(prefix: RegExp, name: string, forms: readonly HashFormat[]): HashFormat {
  const inner = (hash: string) => hash.replace(prefix, '');
  const formOf = (hash: string) =>
    prefix.test(hash) ? forms.find((form) => form.is(inner(hash))) : undefined;
  const verify: Verify = async (hash, password) =>
    (await formOf(hash)?.verify(inner(hash), password)) ?? false;
  const reads = forms.map((form) => form.reads ?? Number.POSITIVE_INFINITY);
  return {
    name,
    begins: prefix,
    is: (hash) => formOf(hash) !== undefined,
    cost: (hash) => formOf(hash)?.cost(inner(hash)) ?? { words: '', milliseconds: 0, memory: 0 },
    verify,
    ...(Math.min(...reads) < Number.POSITIVE_INFINITY ? { reads: Math.min(...reads) } : {}),
  };
}
