// Every place where a stranger's text is read, and a request that brings one there.
import { REDIRECT_URI } from '../setup.ts';
import type { Asked } from './ask.ts';
import { JSONS, JWTS, PAIRS, PATHS, type Shapes, VALUES } from './shapes.ts';

export interface Door {
  readonly name: string;
  /** Node lets through 16 KB of request line and headers; we, 64 KB of a body. */
  readonly kind: 'head' | 'body';
  readonly shapes: Shapes;
  ask(text: string): Asked;
}

/** What requests need so that they are not refused before anything is read. */
export interface Known {
  /** Of a public client. */
  readonly clientId: string;
  /** Of one with a secret. */
  readonly basic: string;
  readonly signIn: { readonly path: string; readonly cookie: string; readonly csrf: string };
  readonly requester: { readonly cookie: string; readonly csrf: string };
  readonly device: { readonly cookie: string; readonly xsrf: string };
}

const HTML = { accept: 'text/html', host: 'localhost' };
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_TYPE = { 'content-type': 'application/json' };

type Fields = Readonly<Record<string, string>>;

const get = (url: string, headers: Fields = {}): Asked => ({
  method: 'GET',
  url,
  headers: { ...HTML, ...headers },
});

const post = (url: string, body: string, headers: Fields = {}): Asked => ({
  method: 'POST',
  url,
  headers: { ...HTML, ...FORM, ...headers },
  body,
});

/** As short as it can be. */
const escaped = (text: string) => text.replace(/[%&+#\0]/g, encodeURIComponent);
const pairs = (fields: Fields) => new URLSearchParams(fields).toString();

export function doors(known: Known): readonly Door[] {
  return [
    ...headerDoors(known),
    ...PATH_DOORS,
    ...QUERIES.map((path) => rawQuery(path)),
    rawQuery(known.signIn.path, { cookie: known.signIn.cookie }),
    ...queryValues(known),
    ...rawForms(known),
    ...formValues(known),
    ...jsonDoors(known),
  ];
}

const PATH_DOORS: readonly Door[] = [
  { name: 'address', kind: 'head', shapes: PATHS, ask: (text) => get(text) },
  { name: 'address, POST', kind: 'head', shapes: PATHS, ask: (text) => post(text, 'a=b') },
];

function headerDoors({ clientId, basic, signIn }: Known): readonly Door[] {
  const authorize = `/authorize?${pairs(requestOf(clientId))}`;
  const header = (name: string, shapes: Shapes, at: (text: string) => Asked): Door => {
    const ask = (text: string) => {
      const asked = at('');
      const value = Buffer.from(text)
        .toString('latin1')
        .replace(/[\r\n\0]/g, 'a');
      return { ...asked, headers: { ...asked.headers, [name.split(':')[0] as string]: value } };
    };
    return { name, kind: 'head', shapes, ask };
  };
  const cookies = Object.fromEntries(
    ['session', 'interaction', 'browser', 'form', 'device_'].flatMap((name) => [
      [`${name}, values`, (n: number) => `gatehouse_${name}=${'a'.repeat(n - 30)}`],
      [`${name}, many`, (n: number) => `gatehouse_${name}=a;`.repeat(Math.floor(n / 25))],
    ]),
  );
  const tokens = (scheme: string) =>
    Object.fromEntries(
      Object.entries({ ...VALUES, ...JWTS, base64: (n: number) => 'A'.repeat(n) }).map(
        ([name, shape]) => [name, (n: number) => `${scheme} ${shape(n - scheme.length - 1)}`],
      ),
    );
  return [
    header('accept', VALUES, () => get('/nothing')),
    header('accept: of the library', VALUES, () => get('/authorize?client_id=nobody')),
    header('accept-language', VALUES, () => get('/nothing')),
    header('accept-encoding', VALUES, () => get('/nothing')),
    header('cookie', { ...VALUES, ...cookies }, () => get('/account')),
    header('cookie: in a sign-in', { ...VALUES, ...cookies }, () => get(signIn.path)),
    header('user-agent', VALUES, () => get(authorize)),
    header('x-forwarded-for', VALUES, () => get('/nothing')),
    header('if-none-match', VALUES, () => get('/assets/gatehouse.css')),
    header('cache-control', VALUES, () => get('/assets/gatehouse.css')),
    header('authorization', tokens('Basic'), () => post('/token', 'grant_type=a')),
    header('authorization: bearer', tokens('Bearer'), () => get('/userinfo')),
    header('dpop', JWTS, () =>
      post('/token', 'grant_type=client_credentials', { authorization: basic }),
    ),
    header('content-type', VALUES, () => post('/token', 'a=b')),
    header('content-type: JSON', VALUES, () => post('/v1/auth/login', '{}')),
    header('origin', VALUES, () => post('/token', 'a=b')),
    header('sec-fetch-site', VALUES, () => post('/device', 'a=b')),
    header('host', VALUES, () => get('/account')),
    header('access-control-request-headers', VALUES, () => ({
      ...get('/token', {
        origin: 'https://a.example.com',
        'access-control-request-method': 'POST',
      }),
      method: 'OPTIONS',
    })),
  ];
}

const QUERIES = [
  ...['/authorize', '/device', '/sign-out', '/sign-out/success', '/userinfo', '/nothing'],
  ...['/account', '/account/callback', '/forgot-password', '/reset-password'],
  ...['/assets/gatehouse.css', '/.well-known/openid-configuration', '/v1/auth/login'],
];

const rawQuery = (path: string, headers: Fields = {}): Door => ({
  name: `query of ${path.replace(/^(\/sign-in\/).*/, '$1…')}`,
  kind: 'head',
  shapes: PAIRS,
  ask: (text) => get(`${path}?${encodeURI(text).replaceAll('%25', '%')}`, headers),
});

function requestOf(clientId: string): Record<string, string> {
  return {
    client_id: clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: 'a'.repeat(43),
    code_challenge_method: 'S256',
  };
}

const REQUEST_VALUES = [
  ...[
    'client_id',
    'response_type',
    'redirect_uri',
    'scope',
    'code_challenge',
    'resource',
    'claims',
  ],
  ...['acr_values', 'prompt', 'ui_locales', 'login_hint', 'state', 'nonce', 'max_age'],
  ...['response_mode', 'request', 'request_uri', 'id_token_hint', 'code_challenge_method'],
];
const TOKENS = ['request', 'id_token_hint', 'client_assertion', 'assertion', 'token'];
const shapesOf = (name: string): Shapes =>
  TOKENS.includes(name) ? { ...VALUES, ...JWTS } : VALUES;

/** With the text in the place of one of them. */
function withValue(fields: Record<string, string>, name: string, text: string): string {
  const { [name]: _, ...others } = fields;
  return `${pairs(others)}&${name}=${escaped(text)}`;
}

function queryValues({ clientId }: Known): readonly Door[] {
  const value = (path: string, fields: Record<string, string>, name: string): Door => ({
    name: `${name} in the query of ${path}`,
    kind: 'head',
    shapes: shapesOf(name),
    ask: (text) =>
      get(`${path}?${encodeURI(withValue(fields, name, text)).replaceAll('%25', '%')}`),
  });
  return [
    ...REQUEST_VALUES.map((name) => value('/authorize', requestOf(clientId), name)),
    ...['id_token_hint', 'post_logout_redirect_uri', 'state', 'client_id'].map((name) =>
      value('/sign-out', { client_id: clientId, post_logout_redirect_uri: REDIRECT_URI }, name),
    ),
    value('/device', {}, 'user_code'),
    value('/forgot-password', {}, 'return_to'),
    value('/account/callback', {}, 'state'),
  ];
}

function rawForms({ basic, signIn, requester, device }: Known): readonly Door[] {
  const form = (path: string, headers: Fields = {}): Door => ({
    name: `form of ${path.replace(/^(\/sign-in\/)[^/]*/, '$1…')}`,
    kind: 'body',
    shapes: PAIRS,
    ask: (text) => post(path, text, headers),
  });
  const authorization = { authorization: basic };
  return [
    form('/token'),
    form('/token', authorization),
    ...['/par', '/introspect', '/revoke', '/device/authorize'].map((path) =>
      form(path, authorization),
    ),
    form('/userinfo'),
    form('/device', { cookie: device.cookie }),
    form('/sign-out/confirm', { cookie: device.cookie }),
    form('/forgot-password', { cookie: requester.cookie }),
    form('/reset-password'),
    form('/reset-password/a'),
    form(`${signIn.path}/prove/password`, { cookie: signIn.cookie }),
    form('/account/sign-out'),
    form('/account/password'),
    form('/v1/auth/service-account/token'),
  ];
}

const grants = {
  assertion: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a' },
  machine: { grant_type: 'client_credentials' },
  code: { grant_type: 'authorization_code', code: 'a', redirect_uri: REDIRECT_URI },
  refresh: { grant_type: 'refresh_token', refresh_token: 'a' },
  device: { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: 'a' },
};
const BY_ASSERTION = {
  client_assertion: 'a',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
};

function formValues({ clientId, basic, signIn, requester, device }: Known): readonly Door[] {
  const values = (
    path: string,
    fields: Record<string, string>,
    names: readonly string[],
    headers: Fields = {},
  ): readonly Door[] =>
    names.map((name) => ({
      name: `${name} in the form of ${path.replace(/^(\/sign-in\/)[^/]*/, '$1…')}`,
      kind: 'body',
      shapes: shapesOf(name),
      ask: (text) => post(path, withValue(fields, name, text), headers),
    }));
  const authorization = { authorization: basic };
  const client_id = clientId;
  const own = { csrf: signIn.csrf, email: 'a@example.com', password: 'a' };
  return [
    ...values('/token', grants.assertion, ['assertion', 'scope', 'resource', 'mfa_code']),
    ...values('/token', grants.machine, ['scope', 'resource'], authorization),
    ...values('/token', { client_id, ...grants.code }, [
      'code',
      'code_verifier',
      'redirect_uri',
      'resource',
    ]),
    ...values('/token', { client_id, ...grants.refresh }, [
      'refresh_token',
      'scope',
      'client_id',
      'client_secret',
    ]),
    ...values('/token', { client_id, ...grants.device }, ['device_code', 'grant_type']),
    ...values('/token', { ...grants.machine, ...BY_ASSERTION }, ['client_assertion']),
    ...values('/par', requestOf(clientId), REQUEST_VALUES),
    ...values('/introspect', { token: 'a' }, ['token', 'token_type_hint'], authorization),
    ...values('/revoke', { token: 'a' }, ['token', 'token_type_hint'], authorization),
    ...values('/device/authorize', { client_id }, ['scope', 'resource', 'claims']),
    ...values('/userinfo', {}, ['access_token']),
    ...values('/device', { xsrf: device.xsrf, user_code: 'AAAA-AAAA' }, ['user_code', 'xsrf'], {
      cookie: device.cookie,
    }),
    ...values('/forgot-password', { csrf: requester.csrf }, ['email', 'return_to', 'csrf'], {
      cookie: requester.cookie,
    }),
    ...values(`${signIn.path}/prove/password`, own, Object.keys(own), { cookie: signIn.cookie }),
    ...values('/v1/auth/service-account/token', grants.assertion, [
      'assertion',
      'scope',
      'resource',
    ]),
  ];
}

function jsonDoors({ clientId }: Known): readonly Door[] {
  const base = '/v1/auth';
  const raw = (path: string): Door => ({
    name: `JSON of ${base}/${path}`,
    kind: 'body',
    shapes: JSONS,
    ask: (text) => post(`${base}/${path}`, text, JSON_TYPE),
  });
  const members = (path: string, all: Fields, names: readonly string[]): readonly Door[] =>
    names.map((name) => ({
      name: `${name} in the JSON of ${base}/${path}`,
      kind: 'body',
      shapes: shapesOf(name),
      ask: (text) =>
        post(`${base}/${path}`, JSON.stringify({ ...all, [name]: text.slice(0, 8192) }), JSON_TYPE),
    }));
  const client_id = clientId;
  const login = { client_id, email: 'a@example.com', password: 'a' };
  const paths = ['login', 'mfa', 'refresh', 'logout', 'service-account/token'];
  return [
    ...paths.map(raw),
    ...members('login', login, ['email', 'password', 'scope', 'totp_code', 'client_id']),
    ...members('login', { ...login, ...BY_ASSERTION }, ['client_assertion']),
    ...members('mfa', { client_id, session_id: 'a', totp_code: '1' }, [
      'session_id',
      'backup_code',
    ]),
    ...members('refresh', { client_id, refreshToken: 'a' }, ['refreshToken']),
    ...members('service-account/token', grants.assertion, ['assertion', 'scope', 'resource']),
  ];
}
