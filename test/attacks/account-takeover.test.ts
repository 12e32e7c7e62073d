// A thief with less than everything: the password alone, a session without the second factor, a
// session that was left open, another account. None of it changes what an account is protected by.
import { expect } from 'chai';
import {
  openAccount,
  openOnTrustedDevice,
  passSignIn,
  pathOn,
  pathsOn,
  sectionOf,
  signInElsewhere,
} from '../support/account-page.ts';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, PASSWORD, type RelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { NEW_PASSWORD } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const CHANGE = {
  current_password: PASSWORD,
  new_password: NEW_PASSWORD,
  confirm_password: NEW_PASSWORD,
};

interface Control {
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

onOneStore('taking over an account', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
  });
  after(() => gatehouse.stop());

  const csrfOn = (page: Page) => /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
  const at = (path: string) => `${gatehouse.url}${path}`;

  /** Everything that changes what protects the account, with what its owner would send. */
  const controlsOf = async (web: Web): Promise<readonly Control[]> => {
    const page = await web.get(at('/account'));
    const rename = pathOn(page, /rename$/);
    const [revoke = ''] = pathsOn(page, /revoke$/);
    return [
      { path: '/account/password', fields: CHANGE },
      { path: '/account/authenticators/add/totp', fields: { code: '000000' } },
      { path: rename, fields: { device_name: 'Mine' } },
      { path: rename.replace(/rename$/, 'remove'), fields: {} },
      { path: '/account/backup-codes', fields: { saved: 'yes', offerContext: '0' } },
      { path: revoke, fields: { confirm: 'yes' } },
    ];
  };

  /** All that protects it, as the database has it. */
  const protection = async () => {
    const { store: database } = gatehouse.core;
    const rows = async (table: string, ...columns: string[]) =>
      database.all(
        database.compile(
          database
            .sql(table)
            .where({ account_id: person.id })
            .orderBy(columns[0] ?? '')
            .select(...columns),
        ),
      );
    const { generation, passwordHash, backupCodesRevision } = await gatehouse.core.accounts.get(
      person.id,
    );
    return {
      ...{ generation, passwordHash, backupCodesRevision },
      authenticators: await rows('authenticators', 'id', 'name'),
      codes: await rows('backup_codes', 'digest'),
      consents: await rows('consents', 'client_id'),
    };
  };

  /** A person with a second authenticator and a connected application, at the account page. */
  const owner = async (): Promise<Web> => {
    const { web } = await openAccount(gatehouse, person);
    const setup = await web.get(at('/account/authenticators/add/totp'));
    await web.submit(setup, '/add/totp', { code: codeFor(secretOn(setup)) });
    await signInElsewhere(gatehouse, party, person, { web });
    return web;
  };

  const expectNothing = async (web: Web, controls: readonly Control[], heading: string) => {
    const before = await protection();
    const page = await web.get(at('/account'));
    for (const { path, fields } of controls) {
      const seen = await web.get(at(path));
      expect(titleOf(seen), `GET ${path}`).to.equal(heading);
      const sent = await web.post(at(path), { csrf: csrfOn(page), ...fields });
      expect(titleOf(sent), `POST ${path}`).to.equal(heading);
    }
    const file = await web.get(at('/account/backup-codes.txt'));
    expect(titleOf(file)).to.equal(heading);
    expect(await protection()).to.deep.equal(before);
  };

  it('the controls work for the owner', async () => {
    const web = await owner();
    for (const { path } of await controlsOf(web)) {
      const seen = await web.get(at(path));
      expect(['Account', 'Sign in']).not.to.include(titleOf(seen));
      expect(seen.status, path).to.equal(200);
    }
  });

  it('with the password alone, in the middle of a sign-in', async () => {
    const controls = await controlsOf(await owner());
    const web = createWeb(gatehouse.url);
    await afterPassword(web, party, person);
    await expectNothing(web, controls, 'Sign in');
  });

  it('with the password and a trusted device', async () => {
    const controls = await controlsOf(await owner());
    const web = await openOnTrustedDevice(gatehouse, party, person);
    expect(titleOf(await web.get(at('/account')))).to.equal('Account');
    await expectNothing(web, controls, 'Two-factor authentication');
  });

  it('with a session from before there was a second factor', async () => {
    const controls = await controlsOf(await owner());
    const { web } = await openAccount(gatehouse, person);
    const { store: database } = gatehouse.core;
    const login = JSON.stringify({
      loginTs: Math.floor(Date.now() / 1000),
      acr: 'urn:gatehouse:acr:password',
      amr: ['pwd'],
    });
    const own = database.sql('sessions').where({ account_id: person.id });
    await database.write(database.compile(own.update({ login })));
    await expectNothing(web, controls, 'Two-factor authentication');
  });

  it('with a session that its owner has left open', async () => {
    const web = await owner();
    const controls = await controlsOf(web);
    await gatehouse.advance('11m');
    await expectNothing(web, controls, 'Sign in');
  });

  it('with a session that its owner has left open, and the password', async () => {
    const web = await owner();
    await gatehouse.advance('11m');
    const asked = await web.get(at('/account/password'));
    const { email, password } = person;
    const challenge = await web.submit(asked, '/prove/password', { email, password });
    expect(titleOf(challenge)).to.equal('Two-factor authentication');
    expect(titleOf(await web.get(at('/account/password')))).to.equal('Sign in');
    const wrong = await web.submit(challenge, '/prove/totp', { code: '000000' });
    expect(wrong.status).to.equal(422);
  });

  it('with a form that was opened while it was allowed', async () => {
    const web = await owner();
    const forms = await Promise.all(
      (await controlsOf(web)).map(async (control) => {
        const page = await web.get(at(control.path));
        return { ...control, page: control.path.endsWith('/totp') ? await web.next(page) : page };
      }),
    );
    await gatehouse.advance('11m');
    const before = await protection();
    for (const { page, path, fields } of forms) {
      expect(titleOf(await web.submit(page, path, { ...fields })), path).to.equal('Sign in');
    }
    expect(await protection()).to.deep.equal(before);
  });

  describe('from another account', () => {
    let thief: Web;
    let controls: readonly Control[];
    let others: readonly string[];

    beforeEach(async () => {
      const web = await owner();
      await openOnTrustedDevice(gatehouse, party, person);
      controls = await controlsOf(web);
      const page = await web.get(at('/account'));
      others = [...pathsOn(page, /forget$/), ...pathsOn(page, /sessions\/.*end$/)];
      const somebody = await createEnrolledPerson(gatehouse, party);
      ({ web: thief } = await openAccount(gatehouse, somebody));
    });

    it('its authenticators and applications are not to be found', async () => {
      const before = await protection();
      const csrf = csrfOn(await thief.get(at('/account')));
      const named = controls.filter(({ path }) => /rename$|remove$/.test(path));
      expect(named).to.have.length(2);
      for (const { path, fields } of named) {
        expect((await thief.get(at(path))).status, path).to.equal(404);
        expect((await thief.post(at(path), { csrf, ...fields })).status, path).to.equal(404);
      }
      const revoke = controls.at(-1) as Control;
      expect((await thief.get(at(revoke.path))).status).to.equal(404);
      const sent = await thief.post(at(revoke.path), { csrf, ...revoke.fields });
      expect(titleOf(sent)).to.equal('Account');
      expect(await protection()).to.deep.equal(before);
    });

    it('its devices and sessions stand', async () => {
      const csrf = csrfOn(await thief.get(at('/account')));
      const { store: database } = gatehouse.core;
      const rows = async () =>
        Promise.all(
          ['trusted_devices', 'sessions'].map((table) =>
            database.all(
              database.compile(
                database.sql(table).where({ account_id: person.id }).orderBy('generation'),
              ),
            ),
          ),
        );
      const before = await rows();
      expect(others.length).to.be.greaterThan(1);
      for (const path of others) {
        const page = await thief.post(at(path), { csrf });
        expect(titleOf(page), path).to.equal('Account');
      }
      expect(await rows()).to.deep.equal(before);
    });

    it('statements themselves name the account', async () => {
      const { factors, store: database } = gatehouse.core;
      const factor = factors.find(({ credentials }) => credentials);
      const [held] = (await factor?.credentials?.list(person.id)) ?? [];
      const id = held?.id ?? '';
      const renamed = factor?.credentials?.rename?.('somebody', id, 'Mine');
      const removed = factor?.credentials?.remove('somebody', id) ?? [];
      for (const unit of [renamed ? [renamed] : [], removed]) {
        expect((await database.commit(unit)).kind).to.equal('conflict');
      }
    });
  });

  describe('a form from elsewhere', () => {
    const every = async (web: Web): Promise<readonly Control[]> => {
      const page = await web.get(at('/account'));
      return [
        ...(await controlsOf(web)),
        ...pathsOn(page, /forget$|sessions\/.*end$/).map((path) => ({ path, fields: {} })),
        { path: '/account/devices/forget-all', fields: { confirm: 'yes' } },
        { path: '/account/sign-out-everywhere', fields: { confirm: 'yes' } },
        { path: '/account/password/check', fields: { new_password: 'x' } },
        { path: '/account/sign-out', fields: {} },
      ];
    };

    it('without the token of this session, or with another one, is refused', async () => {
      const web = await owner();
      await openOnTrustedDevice(gatehouse, party, person);
      const controls = await every(web);
      expect(controls.length).to.be.greaterThan(11);
      const theirs = csrfOn((await openAccount(gatehouse, person)).page);
      const before = await protection();
      for (const { path, fields } of controls) {
        for (const csrf of [undefined, '', 'x', theirs]) {
          const sent = await web.post(at(path), {
            ...(csrf === undefined ? {} : { csrf }),
            ...fields,
          });
          expect(sent.status, path).to.equal(403);
        }
        const own = csrfOn(await web.get(at('/account')));
        for (const headers of [
          { origin: 'https://evil.example' },
          { 'sec-fetch-site': 'cross-site' },
        ]) {
          const sent = await web.post(at(path), { csrf: own, ...fields }, headers);
          expect(sent.status, path).to.equal(403);
        }
      }
      expect(await protection()).to.deep.equal(before);
      expect(titleOf(await web.get(at('/account')))).to.equal('Account');
    });

    it('in a browser where nobody is signed in leads to the sign-in, and does nothing', async () => {
      const web = await owner();
      const controls = await every(web);
      const csrf = csrfOn(await web.get(at('/account')));
      const before = await protection();
      for (const { path, fields } of controls.slice(0, -1)) {
        const sent = await createWeb(gatehouse.url).post(at(path), { csrf, ...fields });
        expect(titleOf(sent), path).to.equal('Sign in');
      }
      expect(await protection()).to.deep.equal(before);
    });

    it('is a form, each field one string', async () => {
      const web = await owner();
      const csrf = csrfOn(await web.get(at('/account')));
      for (const { path } of await every(web)) {
        const send = (body: string, type = 'application/x-www-form-urlencoded') =>
          web.once(at(path), { method: 'POST', body, headers: { 'content-type': type } });
        expect((await send(JSON.stringify({ csrf }), 'application/json')).status, path).to.equal(
          415,
        );
        const token = `csrf=${encodeURIComponent(csrf)}`;
        expect((await send(`${token}&${token}`)).status, path).to.equal(400);
        expect((await send(`${token}&new_password=%00`)).status, path).to.equal(400);
        expect((await send(`${token}&x=${'x'.repeat(70_000)}`)).status, path).to.equal(413);
      }
      expect(sectionOf(await web.get(at('/account')), 'Authenticators')).to.include('Two');
    });
  });

  it('who signs in as somebody else on the way finds nothing of the first person', async () => {
    const web = await owner();
    const [path = ''] = pathsOn(await web.get(at('/account')), /rename$/);
    await gatehouse.advance('11m');
    const asked = await web.get(at(path));
    const somebody = await createEnrolledPerson(gatehouse, party);
    const page = await passSignIn(gatehouse, web, asked, somebody);
    expect(page.status).to.equal(404);
  });
});
