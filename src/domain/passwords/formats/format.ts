// What every form of a stored password looks like, and how its parts are read.

export interface HashFormat {
  readonly name: string;
  /** Whether this form can read the hash, and it costs no more than one sign-in may. */
  is(hash: string): boolean;
  /** What one verification costs, in the words of the form. Called where {@link is} holds. */
  cost(hash: string): string;
  /** Called where {@link is} holds. Works off the main thread. */
  verify(hash: string, password: string): Promise<boolean>;
  /** Bytes of a password that count, where not all of them do. */
  readonly reads?: number;
}

/** Standard alphabet, padded or not; `.` for `+` as passlib writes it. Undefined for other text. */
export function decodeBase64(text = ''): Buffer | undefined {
  if (!/^[A-Za-z0-9+/.]+={0,2}$/.test(text)) return undefined;
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
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

export function isBetween(value: number | undefined, least: number, most: number): boolean {
  return value !== undefined && value >= least && value <= most;
}

const SHORTEST_KEY = 16;
const LONGEST_KEY = 128;

/** A shorter key would be met by chance. */
export function isKey(key: Buffer | undefined): key is Buffer {
  return isBetween(key?.length, SHORTEST_KEY, LONGEST_KEY);
}

/** The same form behind a prefix, as Django writes those that it has from elsewhere. */
export function behind(
  prefix: string,
  name: string,
  { is, cost, verify, ...rest }: HashFormat,
): HashFormat {
  const inner = (hash: string) => hash.slice(prefix.length);
  return {
    ...rest,
    name,
    is: (hash) => hash.startsWith(prefix) && is(inner(hash)),
    cost: (hash) => cost(inner(hash)),
    verify: (hash, password) => verify(inner(hash), password),
  };
}
