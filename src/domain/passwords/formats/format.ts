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
  /** Bytes of a password, of which a longer one is wrong. */
  readonly longest?: number;
}

interface Row<Parts> extends Pick<HashFormat, 'name' | 'begins' | 'reads' | 'longest'> {
  /** Undefined for what is no whole hash of this form. */
  read(hash: string): Parts | undefined;
  cost(parts: Parts): Cost;
  verify(parts: Parts, password: Buffer): Promise<boolean>;
  readonly others?: ReadonlyArray<(parts: Parts, password: Buffer) => Promise<boolean>>;
}

/** A form whose hash is taken apart first. */
export function createFormat<Parts>(row: Row<Parts>): HashFormat {
  const { name, begins, reads, longest, read, others = [] } = row;
  const with_ = <T>(hash: string, use: (parts: Parts) => T): T => {
    const parts = read(hash);
    if (parts === undefined) throw new Error(`no hash of the form ${name}`);
    return use(parts);
  };
  const verifyBy =
    (verify: Row<Parts>['verify']): Verify =>
    async (hash, password) =>
      password.length <= (longest ?? password.length) &&
      with_(hash, (parts) => verify(parts, password));
  return {
    name,
    begins,
    is: (hash) => read(hash) !== undefined,
    cost: (hash) => with_(hash, row.cost),
    verify: verifyBy(row.verify),
    others: others.map(verifyBy),
    ...(reads === undefined ? {} : { reads }),
    ...(longest === undefined ? {} : { longest }),
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

/** `m=19456,t=2,p=1`. Nothing where one is not known, not a whole number, or there twice. */
export function readParameters<Name extends string>(
  text: string | undefined,
  known: readonly Name[],
): { readonly [name in Name]?: number } {
  const pairs = (text ?? '').split(',', known.length + 1);
  const found = new Map<string, number>();
  for (const pair of pairs) {
    const [, name = '', value] = /^([a-z]+)=(\d{1,10})$/.exec(pair) ?? [];
    if (found.has(name) || !known.some((each) => each === name)) return {};
    found.set(name, Number(value));
  }
  return Object.fromEntries(found) as { [name in Name]?: number };
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
  if (typeof text !== 'string' || !/^\{\s*"/.test(text)) return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The prefix and what begins behind it: any case for all of it, where the prefix has any. */
function beginsBehind(prefix: RegExp, forms: readonly HashFormat[]): RegExp {
  const inner = forms.map(({ begins }) => begins.source.replace(/^\^/, ''));
  return new RegExp(`${prefix.source}(?:${inner.join('|')})`, prefix.flags);
}

/** Forms of elsewhere behind a prefix of one's own, as Django and directories write them. */
export function behind(prefix: RegExp, name: string, forms: readonly HashFormat[]): HashFormat {
  const inner = (hash: string) => hash.replace(prefix, '');
  const formOf = (hash: string) =>
    prefix.test(hash) ? forms.find((form) => form.is(inner(hash))) : undefined;
  const verify: Verify = async (hash, password) =>
    (await formOf(hash)?.verify(inner(hash), password)) ?? false;
  const least = (name: 'reads' | 'longest') => {
    const bytes = Math.min(...forms.map((form) => form[name] ?? Number.POSITIVE_INFINITY));
    return bytes === Number.POSITIVE_INFINITY ? {} : { [name]: bytes };
  };
  return {
    name,
    begins: beginsBehind(prefix, forms),
    is: (hash) => formOf(hash) !== undefined,
    cost: (hash) => formOf(hash)?.cost(inner(hash)) ?? { words: '', milliseconds: 0, memory: 0 },
    verify,
    ...least('reads'),
    ...least('longest'),
  };
}
