// Input that no browser and no library would send: a clear refusal each time, and nothing breaks.
import { expect } from 'chai';
import { type Answer, expectNoInside, send, sendBytes, statuses } from '../http/helpers.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  REDIRECT_URI,
  type RelyingParty,
  type SignIn,
  signIn,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeakPerson } from '../support/weak-person.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

type Fields = Readonly<Record<string, string>>;
type Headers_ = Readonly<Record<string, string>>;

/** Where something can be posted: with these headers and fields it would be taken. */
interface Door {
  readonly path: string;
  /** It asks for no field: a request without any of them is whole. */
  readonly isLenient?: boolean;
  readonly headers: Headers_;
  readonly fields: Fields;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const HTML = { accept: 'text/html' };
const MEGABYTE = 1024 * 1024;

/** Neither a failure of ours nor a word of the inside; an error says in its own form what it is. */
function expectNoFailure(answer: Answer, says: string): void {
  expect(answer.status, says).to.be.within(200, 499);
  expectNoInside(answer);
  if (answer.status < 400 || answer.text === '') return;
  const isJson = answer.headers.get('content-type')?.includes('json');
  if (isJson) expect(JSON.parse(answer.text), says).to.have.property('error').that.is.a('string');
  else
    expect(answer.text, says)
      .to.match(/<h1/)
      .and.to.match(/role="alert"/);
}

/** A 4xx, an OAuth error for the registered address, or the way to a page that says it. */
function expectRefusal(answer: Answer, says: string): void {
  expectNoFailure(answer, says);
  if (answer.status >= 400) return;
  const location = answer.headers.get('location') ?? '';
  if (says.startsWith('/sign-in/') && location.startsWith('/sign-in/')) return;
  if (says.startsWith('/device') && new URL(location).pathname === '/device') return;
  expect(location.startsWith(`${REDIRECT_URI}?`), `${says}: ${answer.status} ${location}`).to.equal(
    true,
  );
  expect(new URL(location).searchParams.get('error'), says).to.match(/^[a-z_]+$/);
  expect(new URL(location).searchParams.get('code'), says).to.equal(null);
}

const cookiesOf = ({ headers }: Answer) =>
  headers.getSetCookie().map((line) => line.split(';')[0] ?? '');

const basic = ({ id, secret }: RelyingParty) => ({
  authorization: `Basic ${btoa(`${id}:${secret}`)}`,
});

const encode = (fields: Fields) => new URLSearchParams(fields).toString();

onOneStoreExcept(/field|never fails|after all that/, 'bad input', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let device: RelyingParty;
  let person: Person;
  let witness: SignIn;
  let counted: Record<string, number>;
  const made = { accounts: 0, consents: 0 };

  before(async () => {
    gatehouse = await startGatehouse({ store });
    party = await createRelyingParty(gatehouse);
    const grant_types = ['urn:ietf:params:oauth:grant-type:device_code'];
    const metadata = { grant_types, redirect_uris: [], response_types: [] };
    device = await createRelyingParty(gatehouse, { metadata });
    person = await createPerson(gatehouse);
    witness = await signIn(gatehouse, party, person);
    counted = await count();
  });
  after(() => gatehouse.stop());

  /** What must not be lost or made by any of this. */
  const count = async (): Promise<Record<string, number>> => {
    const { sql, compile, find } = gatehouse.core.store;
    const counts: Record<string, number> = {};
    for (const table of ['accounts', 'clients', 'signing_keys', 'consents']) {
      counts[table] = Number((await find(compile(sql(table).count({ n: '*' }).first())))?.n);
    }
    return counts;
  };

  const post = (door: Door, body: string | Buffer, headers: Headers_ = {}) =>
    send(gatehouse.url, door.path, {
      method: 'POST',
      headers: { ...HTML, ...FORM, ...door.headers, ...headers },
      body,
    });

  const get = (target: string, headers: Headers_ = {}) =>
    send(gatehouse.url, target, { headers: { ...HTML, ...headers } });

  const requestFields = () => {
    const { searchParams } = new URL(party.url().url);
    return Object.fromEntries(searchParams);
  };

  const authorize = (change: Record<string, string | undefined>) => {
    const { pathname, search } = new URL(party.url(change).url);
    return get(pathname + search);
  };

  const doorOf = (web: Web, page: Page, action: string, more: Fields): Door => {
    const form = findForm(page, action);
    const cookie = web.cookieHeader(form.action);
    const path = form.action.pathname;
    return { path, headers: { cookie }, fields: { ...form.fields, ...more } };
  };

  /** The forms of a sign-in that waits for a password. */
  const passwordDoor = async (): Promise<Door> => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const { email } = person;
    return doorOf(web, page, '/prove/password', { email, password: 'wrong' });
  };

  /** Somebody signed in, whom this may sign out or make consent: never the witness. */
  const actor = async () => {
    made.accounts += 1;
    made.consents += 1;
    return (await signIn(gatehouse, party, await createPerson(gatehouse))).web;
  };

  /** The forms of a sign-in that waits for a better password. */
  const newPasswordDoors = async (): Promise<Door[]> => {
    made.accounts += 1;
    const { email, password } = await createWeakPerson(gatehouse);
    const web = createWeb(gatehouse.url);
    const first = await web.get(party.url().url);
    const page = await web.submit(first, '/prove/password', { email, password });
    const typed = { new_password: 'short', confirm_password: 'short' };
    const door = doorOf(web, page, '/new-password', typed);
    const { confirm_password: _, ...fields } = door.fields;
    return [door, { ...door, path: `${door.path}/check`, fields }];
  };

  const consentDoor = async (web: Web): Promise<Door> => {
    const page = await web.get(party.url({ scope: 'openid profile' }).url);
    expect(titleOf(page)).to.equal('Allow access');
    return doorOf(web, page, '/consent', { decision: 'allow' });
  };

  const accountDoors = async (web: Web): Promise<Door[]> => {
    const page = await web.get(`${gatehouse.url}/account`);
    const change = await web.get(`${gatehouse.url}/account/password`);
    const typed = { current_password: 'wrong', new_password: 'short', confirm_password: 'short' };
    return [
      doorOf(web, page, '/account/sign-out', {}),
      doorOf(web, change, '/account/password', typed),
    ];
  };

  const signOutDoor = async (web: Web): Promise<Door> => {
    const page = await web.get(`${gatehouse.url}/sign-out`);
    return doorOf(web, page, '/sign-out/confirm', { logout: 'yes' });
  };

  const deviceDoor = async (): Promise<Door> => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(`${gatehouse.url}/device`);
    return doorOf(web, page, '/device', { user_code: 'BCDF-GHJK' });
  };

  /** Every form of ours: a token of the page and the browser's word guard it. */
  const ownForms = async (web?: Web): Promise<Door[]> => {
    const signedIn = web ?? (await actor());
    const password = await passwordDoor();
    const sibling = (name: string) => ({
      ...password,
      path: password.path.replace('/prove/password', `/${name}`),
      fields: { csrf: password.fields.csrf ?? '' },
    });
    const siblings = ['cancel', 'restart', 'switch'].map(sibling);
    const others = [await consentDoor(signedIn), ...(await accountDoors(signedIn))];
    return [password, ...(await newPasswordDoors()), ...others, ...siblings];
  };

  const protocolDoors = (): Door[] => {
    const token = { token: 'x', token_type_hint: 'access_token' };
    const code = { code: 'x', redirect_uri: REDIRECT_URI, code_verifier: 'x'.repeat(43) };
    const headers = basic(party);
    return [
      { path: '/token', headers, fields: { grant_type: 'authorization_code', ...code } },
      { path: '/token', headers, fields: { grant_type: 'refresh_token', refresh_token: 'x' } },
      { path: '/introspect', headers, fields: token },
      { path: '/revoke', headers, fields: token },
      { path: '/par', headers, fields: requestFields() },
      {
        path: '/device/authorize',
        headers: basic(device),
        fields: { scope: 'openid' },
        isLenient: true,
      },
      { path: '/authorize', headers: {}, fields: requestFields() },
      { path: '/userinfo', headers: {}, fields: { access_token: 'x' } },
    ];
  };

  const allDoors = async (): Promise<Door[]> => {
    const web = await actor();
    const forms = await ownForms(web);
    return [...protocolDoors(), ...forms, await deviceDoor(), await signOutDoor(web)];
  };

  /** Each is posted to every door. */
  const forEachDoor = async (check: (door: Door) => Promise<Answer>): Promise<void> => {
    for (const door of await allDoors()) {
      const checkPassword = door.isLenient ? expectNoFailure : expectRefusal;
      checkPassword(await check(door), door.path);
    }
  };

  describe('an authorization request', () => {
    const addresses = [
      'https://app.example.com/callback/',
      'https://app.example.com/callback2',
      'https://app.example.com/Callback',
      'https://app.example.com/callback?x=1',
      'https://app.example.com/callback#x',
      'https://app.example.com/x/../callback',
      'https://app.example.com/%63allback',
      'https://app.example.com:443/callback',
      'https://app.example.com:8443/callback',
      'http://app.example.com/callback',
      'https://evil.app.example.com/callback',
      'https://app.example.com.evil.example/callback',
      'https://app.example.com@evil.example/callback',
      'https://evil.example/?https://app.example.com/callback',
      'https://app.example.com\\@evil.example/callback',
      '//app.example.com/callback',
      'javascript:alert(1)',
      'data:text/html,x',
      'callback',
      '',
      ' https://app.example.com/callback',
      'https://app.example.com/callback\u0000',
      `https://app.example.com/callback${'x'.repeat(10_000)}`,
    ];
    it('with a redirect_uri that is not the registered one leads nowhere', async () => {
      for (const redirect_uri of [...addresses, undefined]) {
        const answer = await authorize({ redirect_uri });
        expect(answer.status, redirect_uri).to.equal(400);
        expect(answer.headers.get('location'), redirect_uri).to.equal(null);
        expectNoFailure(answer, String(redirect_uri));
      }
    });

    it('of an unknown or impossible client leads nowhere', async () => {
      const ids = ['unknown', 'app_\0', '\0', 'ä', '__proto__', 'a b', '%', '', "' or 1=1 --"];
      for (const client_id of [...ids, 'x'.repeat(10_000), `${party.id} `, undefined]) {
        const answer = await authorize({ client_id });
        expect(answer.status, client_id).to.equal(400);
        expect(answer.headers.get('location'), client_id).to.equal(null);
        expectNoFailure(answer, String(client_id));
      }
    });

    const acr = { essential: true, value: 'urn:other' };
    const claims = JSON.stringify({ id_token: { acr } });
    const refused: ReadonlyArray<readonly [Record<string, string | undefined>, string]> = [
      [{ code_challenge: 'short' }, 'invalid_request'],
      [{ code_challenge: 'x'.repeat(129) }, 'invalid_request'],
      [{ code_challenge: `${'x'.repeat(42)}!` }, 'invalid_request'],
      [{ code_challenge: '' }, 'invalid_request'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge: undefined }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: 's256' }, 'invalid_request'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
      [{ response_type: 'code id_token', nonce: 'n' }, 'unsupported_response_type'],
      [{ response_type: 'none' }, 'unsupported_response_type'],
      [{ response_type: undefined }, 'invalid_request'],
      [{ request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
      [{ prompt: 'nonsense' }, 'invalid_request'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ max_age: 'long' }, 'invalid_request'],
      [{ claims }, 'unmet_authentication_requirements'],
      [{ resource: 'https://unknown.example.com/' }, 'invalid_target'],
      [{ resource: 'nonsense' }, 'invalid_target'],
      [{ id_token_hint: 'nonsense' }, 'invalid_request'],
      [{ registration: '{}' }, 'registration_not_supported'],
    ];
    for (const [change, error] of refused) {
      it(`with ${JSON.stringify(change).slice(0, 70)} is ${error} for the client`, async () => {
        const answer = await signInless(change);
        const location = new URL(answer.headers.get('location') ?? 'none:');
        // What asks for tokens in the fragment reads its error there.
        const searchParams = new URLSearchParams(location.search || location.hash.slice(1));
        expect(searchParams.get('error')).to.equal(error);
        expect(location.href.startsWith(REDIRECT_URI)).to.equal(true);
        expect(answer.status).to.equal(303);
        expect(searchParams.get('iss')).to.equal(gatehouse.url);
        expect(searchParams.get('state')).to.match(/^[0-9a-f]{16}$/);
        expect(searchParams.get('code')).to.equal(null);
      });
    }

    /** What comes back to the client, after the password where the pages come first. */
    const signInless = async (change: Record<string, string | undefined>): Promise<Page> => {
      const web = createWeb(gatehouse.url);
      const page = await web.get(party.url(change).url);
      if (page.url.origin !== gatehouse.url) return page;
      const { email, password } = person;
      return web.submit(page, '/prove/password', { email, password });
    };

    it('with a parameter twice, or as a list, is refused', async () => {
      const { pathname, search } = new URL(party.url().url);
      for (const name of Object.keys(requestFields())) {
        const twice = await get(`${pathname}${search}&${name}=x`);
        expectRefusal(twice, `${name} twice`);
        const list = search.replace(`${name}=`, `${name}[]=`);
        const answer = await get(pathname + list);
        // Without a state or a scope the request is whole: the list is a name nobody knows.
        if (!['state', 'scope'].includes(name)) expectRefusal(answer, `${name}[]`);
        else expectNoFailure(answer, `${name}[]`);
      }
    });

    it('with any parameter NUL, broken, huge or from elsewhere never fails', async () => {
      const values = [
        '%00',
        '%ED%A0%80',
        '%ff',
        '%F0%9F%98%80',
        'x'.repeat(12_000),
        '%22%3E%3Cb%3E',
      ];
      const names = [
        ...Object.keys(requestFields()),
        'nonce',
        'login_hint',
        'ui_locales',
        'display',
      ];
      for (const name of [
        ...names,
        'claims',
        'max_age',
        'prompt',
        'response_mode',
        'request_uri',
      ]) {
        for (const value of values) {
          const { pathname, searchParams } = new URL(party.url().url);
          searchParams.delete(name);
          const answer = await get(`${pathname}?${searchParams}&${name}=${value}`);
          expectNoFailure(answer, `${name}=${value.slice(0, 20)}`);
          expect(answer.text).not.to.include('"><b>');
        }
      }
    });
  });

  describe('a body', () => {
    const pad = (door: Door) => `${encode(door.fields)}&pad=${'x'.repeat(MEGABYTE)}`;

    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      const says = 'transfer-encoding' in headers ? ' that does not say how long it is' : '';
      it(`of a megabyte${says} is refused`, async () => {
        for (const door of await allDoors()) {
          const answer = await post(door, pad(door), headers);
          expect(answer.status, door.path).to.equal(413);
          expectNoFailure(answer, door.path);
        }
      });
    }

    it('of a megabyte on a connection that is kept leaves room for the next request', async () => {
      const next = 'GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
      for (const door of [...protocolDoors().slice(0, 1), await passwordDoor()]) {
        const body = pad(door);
        const head = wire(door);
        const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
        const whole = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
        const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`;
        for (const bytes of [whole, chunked]) {
          const answer = await sendBytes(gatehouse.url, bytes + next);
          expect(statuses(answer), door.path).to.deep.equal([413, 200]);
        }
      }
    });

    const wire = ({ path, headers }: Door) => {
      const lines = Object.entries({ host: 'x', ...HTML, ...FORM, ...headers });
      return `POST ${path} HTTP/1.1\r\n${lines.map((line) => `${line.join(': ')}\r\n`).join('')}`;
    };

    const types = ['', 'application/json', 'text/plain', 'multipart/form-data; boundary=x', 'x'];
    for (const type of types) {
      it(`of the type ${JSON.stringify(type)} is refused`, async () => {
        await forEachDoor((door) => post(door, encode(door.fields), { 'content-type': type }));
        const json = (door: Door) => JSON.stringify(door.fields);
        await forEachDoor((door) => post(door, json(door), { 'content-type': type }));
      });
    }

    it('without a type at all is refused', async () => {
      for (const door of await allDoors()) {
        const headers = { ...HTML, ...door.headers };
        const sending = { method: 'POST', headers, body: encode(door.fields) };
        const answer = await send(gatehouse.url, door.path, sending);
        if (door.isLenient) expectNoFailure(answer, door.path);
        else expectRefusal(answer, door.path);
      }
    });

    it('that is empty is refused', async () => {
      await forEachDoor((door) => post(door, ''));
    });

    const broken: ReadonlyArray<readonly [says: string, body: Buffer]> = [
      ['bytes that are no UTF-8', Buffer.from('a=\xff\xfe', 'latin1')],
      ['a lone surrogate as bytes', Buffer.from('a=\xed\xa0\x80', 'latin1')],
      ['percent signs without digits', Buffer.from('a=%&%zz=%')],
      ['a NUL', Buffer.from('a=\0&\0=b')],
      ['separators only', Buffer.from('&&&===&=')],
      ['names of the language', Buffer.from('__proto__=1&constructor=1&toString=1&valueOf=1')],
      ['five thousand fields', Buffer.from('a=1&'.repeat(5000))],
      ['what says to be compressed', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0])],
      ['JSON', Buffer.from('{"email": "a", "password": {"$ne": 1}}')],
    ];
    for (const [says, body] of broken) {
      it(`of ${says} is refused`, () => forEachDoor((door) => post(door, body)));
    }

    it('that says to be compressed is refused', async () => {
      const headers = { 'content-encoding': 'gzip' };
      await forEachDoor((door) => post(door, Buffer.from([0x1f, 0x8b, 8, 0]), headers));
    });

    /** One field of each door changed; the rest as it would be taken. */
    const forEachField = async (change: (name: string, value: string) => string): Promise<void> => {
      for (const door of await allDoors()) {
        for (const [name, value] of Object.entries(door.fields)) {
          const { [name]: _, ...others } = door.fields;
          const body = `${encode(others)}&${change(name, encodeURIComponent(value))}`;
          const answer = await post(door, body);
          expectNoFailure(answer, `${door.path}: ${change(name, 'value').slice(0, 60)}`);
        }
      }
    };

    it('with a NUL in any field never fails', () => forEachField((name) => `${name}=%00`));
    it('with a NUL behind any value never fails', () =>
      forEachField((name, value) => `${name}=${value}%00`));
    it('with a lone surrogate in any field never fails', () =>
      forEachField((name) => `${name}=%ED%A0%80`));
    it('with broken UTF-8 in any field never fails', () =>
      forEachField((name) => `${name}=%ff%fe`));
    it('with a huge value in any field never fails', () =>
      forEachField((name) => `${name}=${'x'.repeat(40_000)}`));
    it('with any field as a list or a map never fails', () =>
      forEachField((name, value) => `${name}[]=${value}&${name}[a]=${value}&${name}.a=1`));

    it('with any field twice is refused', async () => {
      for (const door of await allDoors()) {
        for (const [name, value] of Object.entries(door.fields)) {
          const body = `${encode(door.fields)}&${encode({ [name]: value })}`;
          expectRefusal(await post(door, body), `${door.path}: ${name} twice`);
        }
      }
    });

    it('of our forms with NUL, surrogates or bytes that are no UTF-8 is a 400 that names the field', async () => {
      for (const bad of ['%00', '%ED%A0%80', '%ff', '\xff', '\xc3\x28']) {
        const door = await passwordDoor();
        const body = `csrf=${door.fields.csrf}&password=x&email=${bad}`;
        const answer = await post(door, Buffer.from(body, 'latin1'));
        expect(answer.status, bad).to.equal(400);
        expect(answer.text, bad).to.include('email');
      }
    });

    it('takes what is unusual and right', async () => {
      const door = await passwordDoor();
      const body = Buffer.from(`csrf=${door.fields.csrf}&password=x&email=löwe+1@example.com&`);
      const answer = await post(door, body, {
        'content-type': `${FORM['content-type']};charset=x`,
      });
      expect(answer.status).to.equal(303);
      const cookie = [door.headers.cookie, ...cookiesOf(answer)].join('; ');
      const page = await get(answer.headers.get('location') ?? '', { cookie });
      expect(page.status).to.equal(422);
      expect(page.text).to.include('value="löwe 1@example.com"');
    });
  });

  it('a body for the test clock is read as carefully', async () => {
    const bodies = [
      ...['', 'null', '[]', '{', '{"advance": 5}', '{"advance": "5"}', '{"advance": "-5s"}'],
      ...['{"advance": "1e9s"}', '{"reset": false}', '{"advance": "1s", "reset": true}', '\0'],
      ...['{"advance": ["1s"]}', '{"__proto__": {"reset": true}}', 'advance=1s', '"\\ud800"'],
    ];
    const clock = { path: '/test/clock', headers: { accept: '*/*' }, fields: {} };
    for (const body of bodies) {
      const answer = await post(clock, body, { 'content-type': 'application/json' });
      expect(answer.status, body).to.equal(400);
      expectNoFailure(answer, body);
    }
    for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
      expect((await post(clock, `"${'x'.repeat(MEGABYTE)}"`, headers)).status).to.equal(413);
    }
    expect((await post(clock, '{"advance": "999999999d"}')).status).to.be.within(200, 400);
    const { now } = JSON.parse((await post(clock, '{"reset": true}')).text);
    expect(Date.parse(now)).to.be.closeTo(Date.now(), 60_000);
  });

  describe('a forged form', () => {
    it('without the token of its page is refused', async () => {
      for (const door of await ownForms()) {
        const { csrf = '', ...others } = door.fields;
        const wrong = [csrf.slice(1), `${csrf}x`, csrf.toUpperCase(), '', 'x'.repeat(4000), 'ä'];
        for (const token of wrong) {
          const answer = await post(door, encode({ ...others, csrf: token }));
          expect(answer.status, `${door.path} ${token.slice(0, 9)}`).to.equal(403);
          expectNoFailure(answer, door.path);
        }
        expect((await post(door, encode(others))).status, door.path).to.equal(403);
      }
    });

    it('with the token of another page is refused', async () => {
      const [one, other] = [await ownForms(), await ownForms()];
      const tokens = new Set([...one, ...other].map(({ fields }) => fields.csrf));
      expect(tokens.size).to.be.greaterThan(4);
      for (const door of one) {
        for (const csrf of tokens) {
          if (csrf === undefined || csrf === door.fields.csrf) continue;
          const answer = await post(door, encode({ ...door.fields, csrf }));
          expect(answer.status, door.path).to.equal(403);
        }
      }
    });

    const elsewhere: readonly Headers_[] = [
      { origin: 'https://evil.example' },
      { origin: 'http://localhost' },
      { origin: 'https://app.example.com' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'nonsense' },
    ];
    for (const headers of elsewhere) {
      it(`from ${JSON.stringify(headers)} is refused, with the right token too`, async () => {
        for (const door of await ownForms()) {
          const answer = await post(door, encode(door.fields), headers);
          expect(answer.status, door.path).to.equal(403);
        }
      });
    }

    it('in another browser, without the cookies, is refused', async () => {
      for (const door of await ownForms()) {
        // There a browser without a session is sent to sign in.
        if (door.path.startsWith('/account/')) continue;
        const answer = await post({ ...door, headers: {} }, encode(door.fields));
        expect(answer.status, door.path).to.equal(303);
        const page = await get(answer.headers.get('location') ?? '');
        expect(page.status, door.path).to.equal(400);
        expect(page.text).to.include('Cookies are needed');
      }
    });

    it('of the library without its secret is refused, and signs nobody out', async () => {
      for (const door of [await deviceDoor(), await signOutDoor(await actor())]) {
        for (const xsrf of ['', 'x', `${door.fields.xsrf}x`]) {
          expectRefusal(await post(door, encode({ ...door.fields, xsrf })), door.path);
        }
        const { xsrf: _, ...others } = door.fields;
        expectRefusal(await post(door, encode(others)), door.path);
      }
    });
  });

  describe('a cookie', () => {
    const lists: ReadonlyArray<readonly [says: string, cookie: (good: string) => string]> = [
      ['nonsense', () => 'nonsense'],
      ['separators', () => ';;;===;=;'],
      ['a huge one', () => `gatehouse_session=${'x'.repeat(12_000)}`],
      ['many', () => 'a=b; '.repeat(2000)],
      ['broken encoding', () => 'gatehouse_sign_in=%; gatehouse_session=%ff%00'],
      ['bytes above ASCII', () => 'gatehouse_session=\xff\xfe; gatehouse_session.sig=\xff'],
      ['names of the language', () => '__proto__=1; constructor=2; toString=3'],
      ['JSON', () => 'gatehouse_session={"a":1}'],
      ['one without its signature', (good) => good.replace(/;? ?[\w.]+\.sig=[^;]*/g, '')],
      ['one with the signature of another', (good) => good.replace(/\.sig=..../g, '.sig=AAAA')],
      ['twice, the wrong one first', (good) => `gatehouse_session=x; gatehouse_sign_in=x; ${good}`],
      ['twice, the wrong one last', (good) => `${good}; gatehouse_session=x; gatehouse_sign_in=x`],
    ];
    for (const [says, make] of lists) {
      it(`that is ${says} never fails`, async () => {
        const door = await passwordDoor();
        const cookie = make(door.headers.cookie ?? '');
        const session = make(witness.web.cookieHeader(`${gatehouse.url}/account`));
        const page = door.path.replace('/prove/password', '');
        const { pathname, search } = new URL(party.url({ prompt: 'none' }).url);
        const answers = [
          await get(page, { cookie }),
          await post({ ...door, headers: { cookie } }, encode(door.fields)),
          await get(pathname + search, { cookie: session }),
          await get('/account', { cookie: session }),
          await get('/sign-out', { cookie: session }),
          await get('/device', { cookie: session }),
        ];
        for (const answer of answers) expectNoFailure(answer, says);
      });
    }

    it('of another sign-in opens none of this one', async () => {
      const [one, other] = [await passwordDoor(), await passwordDoor()];
      const mixed = { ...one, headers: other.headers };
      const answer = await post(mixed, encode({ ...one.fields, password: person.password }));
      expect(answer.status).to.equal(303);
      const page = await get(answer.headers.get('location') ?? '', mixed.headers);
      expect(page.status).to.equal(400);
      expect(page.text).to.include('Cookies are needed');
    });

    it('beyond what a header may hold is refused before anything reads it', async () => {
      const answer = await get('/account', { cookie: `a=${'x'.repeat(20_000)}` });
      expect(answer.status).to.equal(431);
    });
  });

  describe('an address', () => {
    const broken = [
      ...['/%', '/%zz', '/%ff', '/%00', '/%E0%A4%A', '/%c0%ae%c0%ae/', '/..%00/'],
      ...['/sign-in/%', '/sign-in/%ff', '/sign-in/%00', '/sign-in/..%2f..%2f', '/sign-in//'],
      ...['/sign-in/__proto__', '/sign-in/x/prove/__proto__', '/sign-in/x/prove/..%2fcancel'],
      ...['/authorize/%ff', '/authorize/x', '/device/%ff', '/assets/%', '/account/%ff'],
      ...['/.well-known/%ff', '/.well-known/openid-configuration/%', '/health/%00'],
      ...['//', '/\\', '/?', '/?%', '/?%ff=%00', '/account?%', '/;', '/|', '/"<b>', "/'"],
      `/${'x'.repeat(12_000)}`,
      `/sign-in/${'x'.repeat(12_000)}`,
      `/sign-in/x?${'a=b&'.repeat(2500)}`,
      `/${'../'.repeat(1000)}etc/passwd`,
      `/${'%2e%2e/'.repeat(1000)}`,
    ];
    for (const path of broken) {
      it(`like ${path.slice(0, 40)} never fails`, async () => {
        for (const accept of ['text/html', 'application/json']) {
          const answer = await get(path, { accept });
          expectNoFailure(answer, path.slice(0, 40));
          expect(answer.text).not.to.include('<b>');
        }
        const door = { path, headers: {}, fields: {} };
        expectRefusal(await post(door, 'a=b'), path.slice(0, 40));
      });
    }
  });

  it('an address that cannot be read is a 400, whatever stands below it', async () => {
    const paths = ['/%', '/%zz', '/%ff', '/%00', '/x%00y', '/sign-in/%ff', '/authorize/%ff'];
    for (const path of [...paths, '/?x=%00', '/account?x=%00', '/assets/%']) {
      const { status, text } = await get(path, { accept: 'application/json' });
      expect(status, path).to.equal(400);
      expect(JSON.parse(text).error_description).to.match(/^The address holds a NUL or is broken/);
    }
  });

  describe('a request on the wire', () => {
    const end = 'Host: x\r\nConnection: close\r\n\r\n';
    const form = 'Content-Type: application/x-www-form-urlencoded\r\n';
    const wires: ReadonlyArray<readonly [says: string, bytes: string, wanted: readonly number[]]> =
      [
        ['an absolute target', `GET http://evil.example/health/live HTTP/1.1\r\n${end}`, [200]],
        ['an absolute target of nowhere', `GET http://[/ HTTP/1.1\r\n${end}`, [400, 404]],
        ['an asterisk', `OPTIONS * HTTP/1.1\r\n${end}`, [200, 204, 400, 404]],
        ['an asterisk to GET', `GET * HTTP/1.1\r\n${end}`, [400, 404]],
        ['no Host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', [400]],
        ['two Hosts', `GET /health/live HTTP/1.1\r\nHost: a\r\n${end}`, [200, 400]],
        ['a broken Host', 'GET /account HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n', [303]],
        ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]],
        ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 505]],
        ['no version', 'GET /\r\n\r\n', [303, 400]],
        ['an unknown version', `GET / HTTP/9.9\r\n${end}`, [400, 505]],
        ['a method in small letters', `get /health/live HTTP/1.1\r\n${end}`, [400]],
        ['an unknown method', `NONSENSE / HTTP/1.1\r\n${end}`, [400]],
        ['CONNECT', `CONNECT evil.example:443 HTTP/1.1\r\n${end}`, []],
        ['a space in a header name', `GET / HTTP/1.1\r\nX : y\r\n${end}`, [400]],
        ['an Expect that nobody knows', `GET /health/live HTTP/1.1\r\nExpect: x\r\n${end}`, [417]],
        ['an Upgrade', `GET /health/live HTTP/1.1\r\nUpgrade: h2c, x\r\n${end}`, [200]],
        [
          'two lengths',
          `POST /token HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n${end}`,
          [400],
        ],
        ['a negative length', `POST /token HTTP/1.1\r\nContent-Length: -1\r\n${end}`, [400]],
        [
          'a length and chunks: two readers would not agree where it ends',
          `POST /token HTTP/1.1\r\n${form}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n${end}0\r\n\r\n`,
          [400],
        ],
        [
          'broken chunks',
          `POST /token HTTP/1.1\r\n${form}Transfer-Encoding: chunked\r\n${end}zz\r\nabc\r\n0\r\n\r\n`,
          [400],
        ],
        [
          'an encoding that nobody knows',
          `POST /token HTTP/1.1\r\n${form}Transfer-Encoding: x\r\n${end}`,
          [400, 501],
        ],
        ['a header of 20 kB', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n${end}`, [431]],
      ];
    for (const [says, bytes, wanted] of wires) {
      it(`with ${says} is answered clearly`, async () => {
        const answer = await sendBytes(gatehouse.url, Buffer.from(bytes, 'latin1'));
        const found = statuses(answer);
        if (wanted.length === 0) expect(found).to.deep.equal([]);
        else expect(wanted, answer.slice(0, 80)).to.include(found[0]).and.to.not.be.empty;
        expect(found.length).to.be.at.most(1);
        expect(answer).not.to.match(/evil\.example|node:|\bat .+:\d+:\d+/);
      });
    }

    it('followed by garbage ends there: the garbage is refused, what comes after it unread', async () => {
      const good = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n';
      const answer = await sendBytes(gatehouse.url, `${good}${good}garbage\r\n\r\n${good}`);
      // Node answers the garbage at once, so the answers before it may be lost with the connection.
      expect(statuses(answer).at(-1)).to.equal(400);
      expect(statuses(answer).length).to.be.at.most(3);
    });

    it('hidden in the body of another is never answered', async () => {
      const hidden = 'GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n';
      const length = `Content-Length: ${hidden.length}\r\n`;
      const bytes = `POST /account/sign-out HTTP/1.1\r\n${length}${end}${hidden}`;
      expect(statuses(await sendBytes(gatehouse.url, bytes))).to.deep.equal([415]);
    });
  });

  describe('a method', () => {
    const paths = [
      ...['/', '/authorize', '/token', '/userinfo', '/jwks', '/introspect', '/revoke', '/par'],
      ...['/device', '/device/authorize', '/sign-out', '/sign-out/confirm', '/sign-out/success'],
      ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
      ...['/sign-in/x', '/sign-in/x/prove/password', '/sign-in/x/consent', '/sign-in/x/cancel'],
      ...['/sign-in/x/restart', '/sign-in/x/switch', '/account', '/account/callback'],
      ...['/account/sign-out', '/health/live', '/health/ready', '/assets/icon.svg', '/test/clock'],
      '/nowhere',
    ];
    for (const method of [
      'TRACE',
      'PUT',
      'PATCH',
      'DELETE',
      'PROPFIND',
      'QUERY',
      'OPTIONS',
      'HEAD',
    ]) {
      it(`${method} fails nowhere`, async () => {
        for (const path of paths) {
          const headers = { ...HTML, 'x-marked': 'marked-value', cookie: 'marked=cookie' };
          const answer = await send(gatehouse.url, path, { method, headers });
          expectNoFailure(answer, `${method} ${path}`);
          expect(answer.text, path).not.to.include('marked');
          if (method === 'HEAD') expect(answer.text, path).to.equal('');
          if (!['HEAD', 'OPTIONS'].includes(method))
            expect(answer.status, path).to.be.within(400, 405);
        }
      });
    }

    it('GET where only POST counts changes nothing', async () => {
      for (const door of await allDoors()) {
        if (['/authorize', '/device', '/userinfo'].includes(door.path)) continue;
        const answer = await get(`${door.path}?${encode(door.fields)}`, door.headers);
        expectNoFailure(answer, door.path);
        expect(answer.headers.get('location') ?? '', door.path).not.to.include('app.example.com');
      }
    });
  });

  describe('an Accept header', () => {
    const accepts = [
      ...['', '*/*', 'text/html', 'application/json', 'image/*', 'text/html;q=0', '*/*;q=0'],
      ...['text/html;q=0.1, application/json;q=0.2', 'a', 'a/b/c', ';;;', ',,,', '*/html', 'a/*'],
      ...['application/json;q=nonsense', 'application/json;q=-1', `text/${'x'.repeat(8000)}`],
      ...['text/html,'.repeat(800), '"', '\xff\xfe', '__proto__/constructor'],
    ];
    it('of any sort gets an error that can be read', async () => {
      for (const accept of accepts) {
        for (const path of ['/nowhere', '/authorize', '/sign-in/x', '/%ff', '/userinfo']) {
          const answer = await get(path, { accept });
          expectNoFailure(answer, `${path} ${accept.slice(0, 30)}`);
          expect(answer.status).to.be.within(400, 410);
          expect(answer.headers.get('content-type')).to.match(/^(text\/html|application\/json); /);
        }
      }
    });
  });

  it('an error is a page for who asks for one, and JSON for everybody else', async () => {
    const html = ['text/html', 'text/html,application/xhtml+xml,*/*;q=0.8', 'text/*, a/b'];
    const json = ['application/json', '*/*', '', 'application/*', 'application/json, text/html'];
    for (const accept of [...html, ...json]) {
      const { headers } = await get('/nowhere', { accept });
      const type = html.includes(accept) ? 'text/html' : 'application/json';
      expect(headers.get('content-type'), accept).to.equal(`${type}; charset=utf-8`);
    }
  });

  // Last, on the server that has seen all of the above:
  describe('after all that', () => {
    it('nothing was lost and nothing made', async () => {
      const { accounts = 0, consents = 0, ...others } = counted;
      const own = { accounts: accounts + made.accounts, consents: consents + made.consents };
      expect(await count()).to.deep.equal({ ...others, ...own });
    });

    it('who was signed in still is', async () => {
      const { web, tokens } = witness;
      const page = await web.get(party.url({ prompt: 'none' }).url);
      expect(page.url.searchParams.get('code')).to.be.a('string');
      expect((await party.userinfo(tokens.access_token)).status).to.equal(200);
      expect((await party.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
    });

    it('somebody else signs in as ever', async () => {
      await signIn(gatehouse, party, await createPerson(gatehouse));
    });
  });
});
