// Every state of an account at every door: what is closed at one is open at none.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import argon2 from 'argon2';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { type Application, createApplication } from '../support/application.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { assertionOf, createMachine, JWT_BEARER, present } from '../support/machine.ts';
import {
  codeOf,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { NEW_PASSWORD, setHash, WEAK_PASSWORD } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const DOORS = [
  'sign-in page',
  'refresh grant',
  'JSON sign-in',
  'JSON refresh',
  'existing session',
  'existing session, prompt=none',
  'existing session, another client',
  'account page',
  'userinfo',
  'password change',
  'jwt-bearer',
  'reset link',
  'link "This wasn\'t me"',
] as const;

type Door = (typeof DOORS)[number];

/** In the order of DOORS. */
const TABLE: Readonly<Record<string, readonly string[]>> = {
  'in grace': [
    'set-up',
    'ok',
    'tokens',
    'ok',
    'ok',
    'ok',
    'ok',
    'Account',
    'ok',
    'open',
    'no',
    'done',
    'done',
  ],
  enrolled: [
    'code',
    'ok',
    'mfa_required',
    'ok',
    'ok',
    'ok',
    'ok',
    'Account',
    'ok',
    'open',
    'no',
    'done',
    'done',
  ],
  'grace over': [
    'set-up',
    'no',
    'mfa_enrolment_required',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'ok',
    'Sign in',
    'no',
    'done',
    'done',
  ],
  'must change': [
    'new password',
    'no',
    'password_migration_required',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'ok',
    'Sign in',
    'no',
    'done',
    'done',
  ],
  locked: [
    'refused',
    'no',
    'invalid_credentials',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'no',
    'Sign in',
    'no',
    'done',
    'done',
  ],
  'not from here': [
    'refused',
    'no',
    'ip_not_allowed',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'ok',
    'Sign in',
    'no',
    'done',
    'done',
  ],
  suspended: [
    'refused',
    'no',
    'account_suspended',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'no',
    'Sign in',
    'no',
    'void',
    'void',
  ],
  'without a hash': [
    'refused',
    'ok',
    'invalid_credentials',
    'ok',
    'ok',
    'ok',
    'ok',
    'Account',
    'ok',
    'open',
    'no',
    'done',
    'done',
  ],
  unknown: [
    'refused',
    'no',
    'invalid_credentials',
    'invalid_refresh_token',
    'Sign in',
    'no',
    'Sign in',
    'Sign in',
    'no',
    'Sign in',
    'no',
    'void',
    'void',
  ],
};

/** Which doors there are: whoever adds one finds the table above incomplete. */
const GRANTS = [
  'authorization_code',
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  JWT_BEARER,
];

type MaybeEnrolled = Person & { readonly secret?: string };

interface Subject {
  readonly person: Person;
  /** Signed in, before the state came about. */
  readonly web: Web;
  readonly refreshToken: string;
  readonly accessToken: string;
  /** Of a sign-in over JSON, before the state came about. */
  readonly directToken: string;
  readonly resetUrl: string;
  readonly notMeUrl: string;
}

onBothStores('account states at every door', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let other: RelyingParty;
  let app: Application;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    const metadata = { first_party: true };
    party = await createRelyingParty(gatehouse, { metadata });
    other = await createRelyingParty(gatehouse, { metadata });
    app = await createApplication(gatehouse);
  });
  after(() => gatehouse.stop());

  const change = async ({ person }: Subject, row: object) => {
    const { store: database } = gatehouse.core;
    const query = database.sql('accounts').where({ id: person.id }).update(row);
    await database.write(database.compile(query, 1));
  };
  const act = async (name: 'suspend' | 'delete', { person }: Subject) => {
    const { operations, accounts } = gatehouse.core;
    const account = await accounts.get(person.id);
    await operations[name](account, { actor: 'cli:test', reason: 'a test' });
  };

  const signedIn = async (
    person: MaybeEnrolled,
    finish: (web: Web, page: Page) => Promise<Page>,
  ) => {
    const { core } = gatehouse;
    const web = createWeb(gatehouse.url);
    const request = party.url();
    const { email, password } = person;
    const page = await web.submit(await web.get(request.url), '/prove/password', {
      email,
      password,
    });
    const { body } = await party.redeem(request, codeOf(await finish(web, page)));
    const account = await core.accounts.get(person.id);
    const direct = await signInFirstParty(person);
    const link = core.links.create(account, 'reset-password', 'cli:test');
    const notMe = core.links.create(account, 'not-me', 'visitor');
    await core.store.write(...link.unit, ...notMe.unit);
    return {
      person,
      web,
      refreshToken: String(body.refresh_token),
      accessToken: String(body.access_token),
      directToken: String(direct.refreshToken),
      resetUrl: link.url,
      notMeUrl: notMe.url,
    };
  };
  const signInFirstParty = async ({ email, password, secret }: MaybeEnrolled) => {
    if (secret === undefined) return (await app.post('login', { email, password })).body;
    await gatehouse.advance('30s');
    const code = { totp_code: codeFor(secret) };
    return (await app.post('login', { email, password, ...code })).body;
  };
  const inGrace = async (): Promise<Subject> =>
    signedIn(await createExistingPerson(gatehouse), (web, page) =>
      web.submit(page, '/enrol-later'),
    );

  const weak = () => argon2.hash(WEAK_PASSWORD, { memoryCost: 19_456, timeCost: 2 });
  const STATES: Readonly<Record<string, () => Promise<Subject>>> = {
    'in grace': inGrace,
    enrolled: async () => {
      const person = await createEnrolledPerson(gatehouse, party);
      const prove = (web: Web, page: Page) =>
        web.submit(page, '/prove/totp', { code: codeFor(person.secret) });
      return signedIn(person, prove);
    },
    'grace over': async () => {
      const subject = await inGrace();
      await change(subject, { mfa_deadline: 1 });
      return subject;
    },
    'must change': async () => {
      const subject = await inGrace();
      await setHash(gatehouse, subject.person.id, await weak());
      return { ...subject, person: { ...subject.person, password: WEAK_PASSWORD } };
    },
    locked: async () => {
      const subject = await inGrace();
      await change(subject, { status: 'locked' });
      return subject;
    },
    'not from here': async () => {
      const subject = await inGrace();
      await change(subject, { allowed_addresses: JSON.stringify(['192.0.2.0/24']) });
      return subject;
    },
    suspended: async () => {
      const subject = await inGrace();
      await act('suspend', subject);
      return subject;
    },
    'without a hash': async () => {
      const subject = await inGrace();
      await change(subject, { password_hash: null, known_policy_version: null });
      return subject;
    },
    unknown: async () => {
      const subject = await inGrace();
      await act('delete', subject);
      return subject;
    },
  };

  const PAGES: Readonly<Record<string, string>> = {
    'Two-factor authentication': 'code',
    'Set up two-factor authentication': 'set-up',
    'Update your password': 'new password',
  };
  const atAuthorization = (page: Page): string => {
    if (page.url.searchParams.get('code')) return 'ok';
    return page.url.searchParams.get('error') ? 'no' : titleOf(page);
  };

  const KNOCK: Readonly<Record<Door, (subject: Subject) => Promise<string>>> = {
    'sign-in page': async ({ person }) => {
      const page = await afterPassword(createWeb(gatehouse.url), party, person);
      expect(page.url.searchParams.get('code')).to.equal(null);
      return [403, 422].includes(page.status) ? 'refused' : (PAGES[titleOf(page)] ?? titleOf(page));
    },
    'refresh grant': async ({ refreshToken }) => {
      const { status, body } = await party.refresh(refreshToken);
      if (status !== 200) expect(body.error).to.equal('invalid_grant');
      return status === 200 ? 'ok' : 'no';
    },
    'JSON sign-in': async ({ person: { email, password } }) => {
      const { body } = await app.post('login', { email, password });
      return body.token === undefined ? String(body.error) : 'tokens';
    },
    'JSON refresh': async ({ directToken }) => {
      const { body } = await app.post('refresh', { refreshToken: directToken });
      return body.token === undefined ? String(body.error) : 'ok';
    },
    'existing session': async ({ web }) => atAuthorization(await web.copy().get(party.url().url)),
    'existing session, prompt=none': async ({ web }) => {
      const page = await web.copy().get(party.url({ prompt: 'none' }).url);
      const error = page.url.searchParams.get('error');
      if (error) expect(error).to.equal('login_required');
      return atAuthorization(page);
    },
    'existing session, another client': async ({ web }) =>
      atAuthorization(await web.copy().get(other.url().url)),
    'account page': async ({ web }) => titleOf(await web.copy().get(`${gatehouse.url}/account`)),
    userinfo: async ({ accessToken }) =>
      (await party.userinfo(accessToken)).status === 200 ? 'ok' : 'no',
    // With a wrong password: whether it is looked at at all.
    'password change': async ({ web }) => {
      const path = '/account/password';
      const browser = web.copy();
      const page = await browser.get(`${gatehouse.url}${path}`);
      const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const answer = await browser.post(`${gatehouse.url}${path}`, {
        csrf,
        current_password: 'wrong',
        new_password: NEW_PASSWORD,
        confirm_password: NEW_PASSWORD,
      });
      return answer.status === 422 ? 'open' : titleOf(answer);
    },
    // Signed by a key that is right for somebody: no assertion speaks for a person.
    'jwt-bearer': async ({ person: { id } }) => {
      const machine = await createMachine(gatehouse);
      const own = await present(gatehouse.url, assertionOf(machine, gatehouse.url));
      expect(own.status).to.equal(200);
      const { status, body } = await present(
        gatehouse.url,
        assertionOf({ ...machine, id }, gatehouse.url),
      );
      expect([status, body.error]).to.deep.equal([400, 'invalid_grant']);
      return 'no';
    },
    // The last ones: they end everything that is signed in.
    'reset link': async ({ person, resetUrl }) => {
      const web = createWeb(gatehouse.url);
      const page = await web.get(resetUrl);
      if (page.status >= 400) return 'void';
      const form = await web.submit(page, new URL(resetUrl).pathname);
      const fields = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
      const done = await web.submit(form, '/reset-password', fields);
      expect(done.status, done.text.slice(-600)).to.equal(200);
      expect(titleOf(await web.get(`${gatehouse.url}/account`))).to.equal('Sign in');
      const next = await afterPassword(web, party, { ...person, password: NEW_PASSWORD });
      expect(next.url.searchParams.get('code'), 'it never skips a step').to.equal(null);
      return 'done';
    },
    'link "This wasn\'t me"': async ({ notMeUrl }) => {
      const web = createWeb(gatehouse.url);
      const page = await web.get(notMeUrl);
      if (page.status >= 400) return 'void';
      const done = await web.submit(page, new URL(notMeUrl).pathname);
      expect(titleOf(done)).to.equal('Your account is secured');
      expect(titleOf(await web.get(`${gatehouse.url}/account`)), 'no sign-in').to.equal('Sign in');
      return 'done';
    },
  };

  for (const [state, expected] of Object.entries(TABLE)) {
    it(state, async () => {
      const subject = await (STATES[state] as () => Promise<Subject>)();
      const found: string[] = [];
      for (const door of DOORS) found.push(await KNOCK[door](subject));
      expect(Object.fromEntries(DOORS.map((door, i) => [door, found[i]]))).to.deep.equal(
        Object.fromEntries(DOORS.map((door, i) => [door, expected[i]])),
      );
    });
  }

  it('the table knows every door', async () => {
    const discovery = await fetch(`${gatehouse.url}/.well-known/openid-configuration`);
    const { grant_types_supported: grants } = (await discovery.json()) as Record<string, string[]>;
    expect([...(grants ?? [])].sort()).to.deep.equal(GRANTS);
    const routes = readdirSync(join(PROJECT_ROOT, 'src/http/routes'));
    const known =
      /^(account|api|forgot-password|health|not-me|reset-password|sign-in|test-clock|well-known)(\.ts)?$/;
    expect(routes.filter((name) => !known.test(name))).to.deep.equal([]);
  });
});
