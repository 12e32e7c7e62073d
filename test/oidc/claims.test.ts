// What applications learn about people: by scope, by the claims parameter, and never by any other way.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import {
  codeOf,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
  type Tokens,
} from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const PASSWORD = 'Tavu7-Ripo3-Keld9';
const API = 'https://hr.example.com';
const DEPARTMENT = {
  name: 'department',
  label: 'department',
  type: 'string',
  scope: 'hr',
  claim: 'https://example.com/department',
  editable_by: 'operator',
};
const SETTINGS = {
  attributes: [DEPARTMENT],
  resources: [
    { identifier: API, scopes: ['read'], claims: ['roles', 'groups', DEPARTMENT.claim, 'email'] },
  ],
  ...WITHOUT_FACTOR,
};
const ATTRIBUTES = {
  given_name: 'Kim',
  family_name: 'Example',
  birthdate: '1990-12-31',
  locale: 'de-DE',
  phone_number: '+49 30 5550123',
  address: { locality: 'Berlin', country: 'DE' },
  department: 'Research',
};

onOneStore('claims', (store) => {
  let gatehouse: Gatehouse;
  let person: Person;

  before(async () => {
    const database = await store.createMigrated();
    const settings = join(database.dataDir, 'attributes.json');
    writeFileSync(settings, JSON.stringify(SETTINGS));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: settings } });
    person = await importPerson();
  });
  after(() => gatehouse.stop());

  const credentials = () => ({ email: person.email, password: person.password });

  let people = 0;
  const importPerson = async (more: Record<string, unknown> = {}): Promise<Person> => {
    people += 1;
    const email = `kim-${people}@example.com`;
    const { core } = gatehouse;
    const { passwordHash } = await core.accounts.create({ email: `x${email}`, password: PASSWORD });
    const line = {
      email,
      name: 'Kim Example',
      password_hash: passwordHash,
      email_verified: true,
      roles: ['editor'],
      groups: ['staff', 'berlin'],
      attributes: ATTRIBUTES,
      ...more,
    };
    const report = await core.importAccounts(Readable.from([Buffer.from(JSON.stringify(line))]));
    expect(report).to.include({ imported: 1, refused: 0 });
    const { id } = await core.accounts.get(email);
    return { email, password: PASSWORD, id };
  };

  const register = (metadata: Record<string, unknown> = {}): Promise<RelyingParty> =>
    createRelyingParty(gatehouse, { metadata: { first_party: true, ...metadata } });

  /** Everything that an application can read after a sign-in. */
  const read = async (party: RelyingParty, parameters: Record<string, string>) => {
    const { tokens } = await signIn(gatehouse, party, person, { parameters });
    return { ...(await told(party, tokens)), tokens };
  };
  const told = async (party: RelyingParty, tokens: Tokens) => ({
    idToken: decodeJwt(tokens.id_token ?? '') as Record<string, unknown>,
    userinfo: (await party.userinfo(tokens.access_token)).body,
  });

  const ABOUT: readonly string[] = [
    ...['name', 'given_name', 'family_name', 'birthdate', 'locale', 'updated_at'],
    ...['email', 'email_verified', 'phone_number', 'address', 'roles', 'groups', DEPARTMENT.claim],
  ];
  const about = (claims: Record<string, unknown>) =>
    Object.keys(claims)
      .filter((name) => ABOUT.includes(name))
      .sort();

  describe('by scope', () => {
    const PROFILE = ['birthdate', 'family_name', 'given_name', 'locale', 'name', 'updated_at'];
    const rows: ReadonlyArray<readonly [string, readonly string[]]> = [
      ['openid', []],
      ['openid profile', PROFILE],
      ['openid email', ['email', 'email_verified']],
      ['openid phone', ['phone_number']],
      ['openid address', ['address']],
      ['openid roles groups', ['groups', 'roles']],
      ['openid hr', [DEPARTMENT.claim]],
      ['openid profile email', [...PROFILE, 'email', 'email_verified'].sort()],
    ];
    for (const [scope, names] of rows) {
      it(`${scope}: in the ID token and at userinfo alike`, async () => {
        const { idToken, userinfo } = await read(await register(), { scope });
        expect(about(idToken)).to.deep.equal(names);
        expect(about(userinfo)).to.deep.equal(names);
        expect(idToken.sub).to.equal(person.id);
      });
    }

    it('with the values that the account has', async () => {
      const scope = 'openid profile email phone address roles groups hr';
      const { userinfo } = await read(await register(), { scope });
      expect(userinfo).to.deep.include({
        given_name: 'Kim',
        email_verified: true,
        address: { locality: 'Berlin', country: 'DE' },
        roles: ['editor'],
        groups: ['staff', 'berlin'],
        [DEPARTMENT.claim]: 'Research',
      });
    });

    it('discovery lists scopes and claims', async () => {
      const answer = await fetch(`${gatehouse.url}/.well-known/openid-configuration`);
      const found = (await answer.json()) as Record<string, unknown>;
      expect(found.scopes_supported).to.include.members(['phone', 'roles', 'groups', 'hr']);
      expect(found.claims_supported).to.include.members([DEPARTMENT.claim, 'given_name', 'groups']);
      expect(found.claims_parameter_supported).to.equal(true);
    });
  });

  it('a minimal ID token says who and how, and userinfo the rest', async () => {
    const party = await register({ minimal_id_token: true });
    const { idToken, userinfo } = await read(party, { scope: 'openid profile email' });
    expect(about(idToken)).to.deep.equal([]);
    expect(idToken).to.include.keys('sub', 'auth_time', 'acr', 'amr', 'sid');
    expect(about(userinfo)).to.include('email');
    const claims = JSON.stringify({ id_token: { email: null } });
    const asked = await read(party, { scope: 'openid profile email', claims });
    expect(about(asked.idToken)).to.deep.equal(['email']);
  });

  it('roles and groups come under the names that the client is registered with', async () => {
    const names = { roles_claim: 'https://app.example.com/roles', groups_claim: 'cognito:groups' };
    const { idToken, userinfo } = await read(await register(names), {
      scope: 'openid roles groups',
    });
    for (const claims of [idToken, userinfo]) {
      expect(claims).to.deep.include({
        'https://app.example.com/roles': ['editor'],
        'cognito:groups': ['staff', 'berlin'],
      });
      expect(about(claims)).to.deep.equal([]);
    }
  });

  describe('in JWTs of a resource', () => {
    it('those that the resource asks for, where their scope was granted', async () => {
      const party = await register();
      for (const [scope, names] of [
        ['openid read', []],
        ['openid groups read', ['groups']],
        [
          'openid email hr groups roles profile read',
          [DEPARTMENT.claim, 'email', 'groups', 'roles'],
        ],
      ] as const) {
        const { tokens } = await signIn(gatehouse, party, person, {
          parameters: { scope, resource: API },
        });
        const claims = decodeJwt(tokens.access_token) as Record<string, unknown>;
        expect(about(claims), scope).to.deep.equal([...names].sort());
      }
    });
  });

  describe('by the claims parameter', () => {
    const GROUPS = JSON.stringify({ userinfo: { groups: null }, id_token: { given_name: null } });

    it('one by one, each where it was asked for', async () => {
      const { idToken, userinfo } = await read(await register(), {
        scope: 'openid',
        claims: GROUPS,
      });
      expect(about(idToken)).to.deep.equal(['given_name']);
      expect(about(userinfo)).to.deep.equal(['groups']);
    });

    it('after a consent that names them, which is remembered', async () => {
      const party = await register({ first_party: false });
      const web = createWeb(gatehouse.url);
      const request = party.url({ scope: 'openid', claims: GROUPS });
      const consent = await web.submit(
        await web.get(request.url),
        '/prove/password',
        credentials(),
      );
      expect(titleOf(consent)).to.equal('Allow access');
      expect(consent.text).to.include('See your groups').and.include('See your given name');
      const code = codeOf(await web.submit(consent, '/consent', { decision: 'allow' }));
      const { body } = await party.redeem(request, code);
      const { idToken, userinfo } = await told(party, body as unknown as Tokens);
      expect([about(idToken), about(userinfo)]).to.deep.equal([['given_name'], ['groups']]);
      const again = party.url({ scope: 'openid', claims: GROUPS });
      codeOf(await web.get(again.url));
      const more = party.url({ scope: 'openid', claims: '{"userinfo":{"birthdate":null}}' });
      expect(titleOf(await web.get(more.url)), 'a new one is asked for').to.equal('Allow access');
    });

    it('and no word of what a scope covers', async () => {
      const party = await register({ first_party: false });
      const web = createWeb(gatehouse.url);
      const request = party.url({ scope: 'openid groups hr', claims: GROUPS });
      const consent = await web.submit(
        await web.get(request.url),
        '/prove/password',
        credentials(),
      );
      expect(consent.text.match(/See your groups/g)).to.have.length(1);
      expect(consent.text).to.include('See your department');
    });

    it('never beyond what the client may ask for: no question, no claim', async () => {
      for (const first_party of [true, false]) {
        const party = await register({ first_party, scope: 'openid email' });
        const all = Object.fromEntries(ABOUT.map((name) => [name, { essential: true }]));
        const claims = JSON.stringify({ id_token: all, userinfo: all });
        const web = createWeb(gatehouse.url);
        const request = party.url({ scope: 'openid email', claims });
        const page = await signInAt(web, await web.get(request.url), person);
        const { body } = await party.redeem(request, codeOf(page));
        const tokens = body as unknown as Tokens;
        const { idToken, userinfo } = await told(party, tokens);
        for (const told of [
          idToken,
          userinfo,
          (await party.introspect(tokens.access_token)).body,
        ]) {
          const others = about(told).filter((name) => !name.startsWith('email'));
          expect(others, JSON.stringify(told)).to.deep.equal([]);
        }
        const refreshed = await party.refresh(tokens.refresh_token ?? '');
        expect(
          about(decodeJwt(String(refreshed.body.id_token)) as Record<string, unknown>),
        ).to.deep.equal(['email', 'email_verified']);
        const jwt = await party.token({
          grant_type: 'refresh_token',
          refresh_token: String(refreshed.body.refresh_token),
          resource: API,
        });
        if (jwt.status === 200) {
          const payload = decodeJwt(String(jwt.body.access_token)) as Record<string, unknown>;
          expect(about(payload)).to.deep.equal(['email']);
        }
      }
    });

    it('unknown ones and rubbish are no question', async () => {
      const party = await register();
      for (const claims of [
        '{"userinfo":{"shoe_size":null,"constructor":null,"__proto__":null}}',
      ]) {
        const { userinfo } = await read(party, { scope: 'openid', claims });
        expect(Object.keys(userinfo)).to.deep.equal(['sub']);
      }
      const web = createWeb(gatehouse.url);
      for (const claims of ['{', '[]', '{}', '{"userinfo":7}', 'null']) {
        const page = await web.get(party.url({ scope: 'openid', claims }).url);
        expect(page.url.searchParams.get('error'), claims).to.equal('invalid_request');
      }
    });
  });

  describe('an essential acr', () => {
    const acr = (value: object) =>
      JSON.stringify({ id_token: { acr: { essential: true, ...value } } });

    it('is reached, or the request fails', async () => {
      const party = await register();
      const web = createWeb(gatehouse.url);
      const fine = party.url({ claims: acr({ values: ['urn:gatehouse:acr:password', 'x'] }) });
      codeOf(await signInAt(web, await web.get(fine.url), person));
      const nobody = party.url({ claims: acr({ value: 'urn:example:retina' }), prompt: 'none' });
      const answer = await web.get(nobody.url);
      expect(answer.url.searchParams.get('error')).to.equal('unmet_authentication_requirements');
      const mfa = party.url({ claims: acr({ value: 'urn:gatehouse:acr:mfa' }) });
      const enrol = await signInAt(web, await web.get(mfa.url), person);
      expect(titleOf(enrol)).to.equal('Set up two-factor authentication');
    });
  });

  describe('as an operator sets them', () => {
    it('update, and what was taken away is told no more', async () => {
      const { core } = gatehouse;
      const someone = await importPerson();
      const cause = { actor: 'cli:test', reason: 'asked for' };
      const account = await core.accounts.get(someone.id);
      const attributes = { groups: ['board'], nickname: 'K' };
      await core.updateProfile(
        account,
        { name: null, emailVerified: false, attributes, unset: ['roles'] },
        cause,
      );
      const party = await register();
      const parameters = { scope: 'openid profile email roles groups' };
      const { tokens } = await signIn(gatehouse, party, someone, { parameters });
      const { userinfo } = await told(party, tokens);
      expect(userinfo).to.deep.include({ groups: ['board'], nickname: 'K', email_verified: false });
      expect(userinfo).not.to.have.any.keys('roles', 'name');
      const [event] = await core.audit.newest({ kind: 'account.updated' }, 1);
      expect(event).to.deep.include({ actor: 'cli:test', reason: 'asked for' });
      expect(event?.detail).to.deep.equal({
        changed: ['email_verified', 'name', 'groups', 'nickname', 'roles'],
      });
    });

    it('a changed email address signs in, and is not verified', async () => {
      const { core } = gatehouse;
      const someone = await importPerson();
      const account = await core.accounts.get(someone.id);
      const email = `New.${someone.email}`;
      const update = { email };
      const unexplained = core.updateProfile(account, update, { actor: 'x' });
      expect(await unexplained.catch((error: Error) => error.message)).to.include('--reason');
      await core.updateProfile(account, update, { actor: 'x', reason: 'married' });
      const after = await core.accounts.get(someone.id);
      expect(after).to.include({ email, emailVerified: false });
      await signIn(gatehouse, await register(), { ...someone, email });
      const stale = core.updateProfile(account, { name: 'Old' }, { actor: 'x' });
      expect(await stale.catch((error: Error) => error.message)).to.include('changed meanwhile');
      const taken = core.updateProfile(after, { email: person.email }, { actor: 'x', reason: 'y' });
      expect(await taken.catch((error: Error) => error.message)).to.include('Another account');
    });

    it('of twenty at once one is written', async () => {
      const { core } = gatehouse;
      const account = await core.accounts.get((await importPerson()).id);
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          core.updateProfile(account, { name: `Name ${index}` }, { actor: 'x' }),
        ),
      );
      expect(all.filter(({ status }) => status === 'fulfilled')).to.have.length(1);
    });
  });

  it('an import refuses what no attribute can hold, by field', async () => {
    const errors: unknown[] = [];
    const lines = [
      { email: 'a@example.com', attributes: { shoe_size: 44 } },
      { email: 'b@example.com', attributes: { birthdate: 'yesterday' } },
      { email: 'c@example.com', roles: 'editor' },
      { email: 'd@example.com', groups: [1] },
      { email: 'e@example.com', attributes: { picture: 'javascript:alert(1)' } },
      { email: 'f@example.com', attributes: { given_name: '', roles: [], locale: null } },
    ].map((line) => JSON.stringify(line));
    const report = await gatehouse.core.importAccounts(
      Readable.from([Buffer.from(lines.join('\n'))]),
      { onBatch: (more) => errors.push(...more) },
    );
    expect(report).to.include({ imported: 1, refused: 5 });
    expect(errors.map((error) => (error as { field: string }).field)).to.deep.equal([
      'attributes.shoe_size',
      'attributes.birthdate',
      'roles',
      'groups',
      'attributes.picture',
    ]);
  });
});
