// Addresses to which answers may go: compared to the letter, so one that no request can name is a mistake.

/** What no browser leads anybody to, or what runs where it is opened. */
const DEAD_SCHEMES = /^(about|blob|data|file|ftp|javascript|mailto|vbscript|view-source|wss?):/i;

/** All that a URI is made of (RFC 3986, 2); what else it is to say is percent-encoded. */
const URI = /^[\w.~:/?#[\]@!$&'()*+,;=%-]*$/;
const LONGEST = 2000;

interface Rule {
  readonly isBroken: (uri: string) => boolean;
  /** What is wrong, and how to say it right. */
  readonly says: string | ((uri: string) => string);
}

const RULES: readonly Rule[] = [
  { isBroken: (uri) => uri === '', says: 'is empty: leave it out' },
  {
    isBroken: (uri) => uri.length > LONGEST,
    says: `is longer than ${LONGEST} characters: keep what belongs to one sign-in in state`,
  },
  {
    isBroken: (uri) => /\s/.test(uri),
    says: 'has a blank: name several one after another, and write one that belongs to it as %20',
  },
  {
    isBroken: (uri) => uri.includes(','),
    says: 'has a comma: name several one after another, and write one that belongs to it as %2C',
  },
  {
    isBroken: (uri) => uri.includes('*'),
    says: 'contains "*", which isn\'t a wildcard: register each URI separately',
  },
  { isBroken: (uri) => uri.includes('\\'), says: 'has a backslash: write "/"' },
  {
    isBroken: (uri) => uri.includes('#'),
    says: 'has a fragment, which no answer keeps: leave out "#" and what follows',
  },
  { isBroken: (uri) => !URI.test(uri), says: foreignCharacter },
  {
    isBroken: (uri) => /%(?![\da-f]{2})/i.test(uri),
    says: 'has a "%" that encodes nothing: write %25',
  },
  {
    isBroken: (uri) => !/^[a-z][a-z\d+.-]*:/i.test(uri),
    says: 'is not absolute: start with https:// and the host',
  },
  {
    isBroken: (uri) => /^[a-z\d.-]+:\d+([/?]|$)/i.test(uri),
    says: (uri) => `has no scheme: write https://${uri}, or http:// for a loopback address`,
  },
  {
    isBroken: (uri) => DEAD_SCHEMES.test(uri),
    says: 'has a scheme that no answer can go to: use https, or a scheme of your own',
  },
  {
    isBroken: (uri) => isWeb(uri) && !/^https?:\/\/[^/?]/i.test(uri),
    says: 'names no host: two slashes and the host follow the scheme',
  },
  {
    isBroken: (uri) => isWeb(uri) && hostPart(uri).includes('@'),
    says: 'has a user name or password, which browsers leave out: start with the host',
  },
  {
    isBroken: (uri) => isWeb(uri) && !isHost(hostPart(uri)),
    says: 'has a host or port that cannot exist: write it as in https://app.example.com:8443',
  },
  { isBroken: (uri) => !URL.canParse(uri), says: "isn't a URI: compare it with the application" },
];

/** Undefined for one that a request can name and a browser can reach. */
export function mistakeInRedirectUri(uri: string): string | undefined {
  const broken = RULES.find(({ isBroken }) => isBroken(uri));
  if (!broken) return undefined;
  return typeof broken.says === 'string' ? broken.says : broken.says(uri);
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Whoever listens on the way reads the code. */
export function isPlainHttp(uri: string): boolean {
  const url = URL.parse(uri);
  return url?.protocol === 'http:' && !LOOPBACK.test(url.hostname);
}

const isWeb = (uri: string) => /^https?:/i.test(uri);
const hostPart = (uri: string) => /^https?:\/\/([^/?]*)/i.exec(uri)?.[1] ?? '';

const LABELS = /^[a-z\d_-]+(\.[a-z\d_-]+)*\.?(:[1-9]\d*)?$/i;
const ADDRESS = /^\[[\da-f:.]+\](:[1-9]\d*)?$/i;

function isHost(part: string): boolean {
  const isOne = LABELS.test(part) || ADDRESS.test(part);
  return isOne && URL.canParse(`https://${part}/`);
}

/** A browser would encode it, and a request never name it stands. */
function foreignCharacter(uri: string): string {
  const [found = ''] = uri.match(/[^\w.~:/?#[\]@!$&'()*+,;=%-]/u) ?? [];
  const encoded = URL.parse(uri)?.href;
  const isReadable = encoded !== undefined && URI.test(encoded) && !/[<>{}]/.test(uri);
  const cure = isReadable ? `write ${encoded}` : 'percent-encode it, or fill in what it stands for';
  return `has ${JSON.stringify(found)}, which is no character of an address: ${cure}`;
}
