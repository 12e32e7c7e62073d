// Texts that parsers are bad at, of any length.
export type Shape = (bytes: number) => string;
export type Shapes = Readonly<Record<string, Shape>>;

/** As often as fits. */
export const fill =
  (piece: string, before = '', after = ''): Shape =>
  (bytes) => {
    const room = bytes - Buffer.byteLength(before + after);
    return before + piece.repeat(Math.max(0, Math.floor(room / Buffer.byteLength(piece)))) + after;
  };

/** One piece over and over, then another as often: what the first opens, the second looks through. */
export const halves =
  (first: string, second: string, before = ''): Shape =>
  (bytes) => {
    const half = Math.floor(bytes / 2);
    // Odd: a quote stays open.
    const odd = Math.floor(half / first.length / 2) * 2 - 1;
    return before + first.repeat(Math.max(1, odd)) + fill(second)(half);
  };

/** All different: tables of what was seen grow. */
export const numbered =
  (before: string, after: string): Shape =>
  (bytes) => {
    let text = '';
    for (let n = 0; ; n += 1) {
      const next = `${before}${n.toString(36)}${after}`;
      if (text.length + next.length > bytes) return text;
      text += next;
    }
  };

/** Ideographs, hardly any of them twice. */
const ideographs =
  (before: string): Shape =>
  (bytes) => {
    const many = Math.floor((bytes - before.length) / 3);
    const codes = Array.from({ length: many }, (_, n) => 0x4e00 + ((n * 7919) % 20_000));
    return before + codes.map((code) => String.fromCodePoint(code)).join('');
  };

/** What stands between two separators, and in one text. */
export const VALUES: Shapes = {
  letters: fill('a'),
  spaces: fill(' ', 'a', 'a'),
  commas: fill(','),
  'list, list': fill('a, '),
  dots: fill('.'),
  'a.a.': fill('a.', 'a@'),
  colons: fill(':'),
  'text and colons': halves('a', ':', '"'),
  'text, colons': (bytes) => `"${fill('a')(bytes / 2)}"${fill(':')(bytes / 2)}`,
  semicolons: fill(';'),
  '; after spaces': fill(' ', ';', 'x'),
  ';a=': fill(';a='),
  ';q=': fill('a/b;q=0.1,'),
  quotes: fill('"'),
  'quotes, commas': halves('"', ','),
  'quotes, semicolons': halves('"', ';', 'a/b;'),
  'open text': fill('\\"', '"'),
  backslashes: fill('\\'),
  slashes: fill('/'),
  '../': fill('../', 'http://a/'),
  '//a': fill('//a', 'http:'),
  '@': fill('@', 'http://'),
  equals: fill('='),
  dashes: fill('-'),
  brackets: fill('['),
  nested: fill('{"a":'),
  'nested lists': fill('[[],'),
  members: numbered('"', '":1,'),
  object: (bytes) => `{${numbered('"', '":1,')(bytes - 8)}"z":1}`,
  'long names': (bytes) => `{${fill(`"${'a'.repeat(1000)}":1,`)(bytes - 8)}"z":1}`,
  'percent signs': fill('%'),
  '%25': fill('%25'),
  words: fill('openid '),
  'other words': numbered('', ' '),
  addresses: fill(',::1', '::1'),
  'an ideographic host': ideographs('http://'),
  ideographs: ideographs(''),
  'combining marks': fill('\u0315\u0300', 'a'),
  'sorted marks': (bytes) => `a${fill('\u0315')(bytes / 2)}${fill('\u0300')(bytes / 2)}`,
  'voiced marks': fill('\uff9e\u0334', 'a'),
  expanding: fill('\ufdfa'),
  'line ends': fill('\n'),
  'not characters': fill('\u{10ffff}'),
};

/** Whole queries and forms. */
export const PAIRS: Shapes = {
  '&': fill('&'),
  'a&': fill('a&'),
  'a=&': fill('a=&'),
  '=&': fill('=&'),
  'a=b&': fill('a=b&'),
  '%61&': fill('%61&'),
  'all different': numbered('', '&'),
  'a hundred, one long': fill('+', `${'a&'.repeat(99)}a=`),
  'a hundred long names': (bytes) =>
    Array.from({ length: 100 }, (_, n) => `${n}${'b'.repeat(bytes / 100 - 3)}`).join('&'),
  'a[]=&': fill('a[]=&'),
  '__proto__&': fill('__proto__&'),
  'a;': fill('a;'),
  '+': fill('+', 'a='),
  '%': fill('%', 'a='),
  '=': fill('='),
};

/** Whole addresses. */
export const PATHS: Shapes = {
  letters: fill('a', '/'),
  capitals: fill('A', '/'),
  slashes: fill('/', '/', 'A'),
  dots: fill('.', '/'),
  '/a': fill('/a'),
  '/.': fill('/.'),
  '%61': fill('%61', '/'),
  '%2F': fill('%2F', '/'),
  '%': fill('%', '/'),
  ';': fill(';', '/'),
  '#': fill('#', '/'),
  '?': fill('?', '/'),
  'absolute, @': fill('@', 'http://'),
  'absolute, dots': fill('.', 'http://a'),
  'a sign-in': fill('a', '/sign-in/', '/backup-codes.txt'),
  'below a sign-in': fill('/a', '/sign-in/a'),
  'an authenticator': fill('a', '/account/authenticators/', '/rename'),
  'a link': fill('a', '/reset-password/'),
  'a link, %61': fill('%61', '/reset-password/'),
  'an asset': fill('a', '/assets/'),
};

const base64 = (text: string) => Buffer.from(text).toString('base64url');
const inBase64 =
  (shape: Shape, before: string, after = '') =>
  (bytes: number) =>
    base64(before + shape((bytes * 3) / 4 - before.length - after.length - 60) + after);

const HEADER = '{"alg":"RS256","typ":"JWT","kid":"a"}';

/** Tokens whose header or claims are each of these. */
function jwts(shapes: Shapes): Shapes {
  const all = Object.entries(shapes).flatMap(([name, shape]) => [
    [`JWT: ${name}`, (bytes: number) => `${base64(HEADER)}.${inBase64(shape, '')(bytes - 60)}.AA`],
    [`JWT: sub of ${name}`, textClaim(shape)],
    [`JWT header: ${name}`, (bytes: number) => `${inBase64(shape, '')(bytes)}.e30.AA`],
  ]);
  return Object.fromEntries(all as Array<[string, Shape]>);
}

const textClaim =
  (shape: Shape): Shape =>
  (bytes) => {
    const text = JSON.stringify(shape(bytes / 2)).slice(0, (bytes * 2) / 3);
    return `${base64(HEADER)}.${base64(`{"iss":${text.replace(/\\*"?$/, '')}","sub":"a"}`)}.AA`;
  };

const { colons, quotes, nested, members, object, ...others } = VALUES;
export const JWTS: Shapes = jwts({
  ...({ colons, quotes, nested, members, object } as Shapes),
  'text, colons': others['text, colons'] as Shape,
  'open text': others['open text'] as Shape,
  'long names': others['long names'] as Shape,
});

/** Whole bodies of JSON. */
export const JSONS: Shapes = {
  ...VALUES,
  ...Object.fromEntries(
    Object.entries(VALUES).map(([name, shape]) => [
      `${name}, in an object`,
      (bytes: number) => `{"email":${shape(bytes - 12)}}`,
    ]),
  ),
};
