// The cookie of a trusted device, in every wrong hand and after everything that ends its trust: it
// brings the code prompt, never more, never a loop and never an error page.
import argon2 from 'argon2';
import { expect } from 'chai';
import { decodeJwt } from 'jose';
import { codeFor } from '../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { codeOf, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onOneStore } from '../support/stores.ts';
import { NEW_PASSWORD, setHash, WEAK_PASSWORD } from '../support/weak-person.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const CHALLENGE = 'Two-factor authentication';

onOneStore('a trusted device', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    web = createWeb(gatehouse.url);
  });
  after(() => gatehouse.stop());

  const isDevice = ({ name }: { name: string }) => name.startsWith('gatehouse_device_');
  const deviceOf = (browser: Web) => browser.cookies().find(isDevice);

  /** Signs in with a code and has the device remembered. */
  const trust = async (browser = web, who = person): Promise<Page> => {
    const page = await afterPassword(browser, party, who, { prompt: 'login' });
    const code = codeFor(who.secret);
    const last = await browser.submit(page, '/prove/totp', { code, remember: 'yes' });
    codeOf(last);
    await gatehouse.advance('30s');
    return last;
  };
  /** What follows the password: a code, or no more questions. */
  const next = async (browser = web, who = person, parameters = {}): Promise<string> => {
    const page = await afterPassword(browser, party, who, { prompt: 'login', ...parameters });
    return page.url.searchParams.get('code') ? 'signed in' : titleOf(page);
  };
  const withCookie = (value: string, name = deviceOf(web)?.name ?? ''): Web => {
    const host = new URL(gatehouse.url).hostname;
    return createWeb(gatehouse.url, [{ name, value, path: '/', host, expires: undefined }]);
  };

  it('is remembered for thirty days, and says so', async () => {
    await trust();
    const request = party.url({ prompt: 'login' });
    const last = await web.submit(await web.get(request.url), '/prove/password', {
      email: person.email,
      password: person.password,
    });
    const { body } = await party.redeem(request, codeOf(last));
    const claims = decodeJwt(String(body.id_token));
    expect(claims.acr).to.equal('urn:gatehouse:acr:remembered-device');
    expect(claims.amr).to.deep.equal(['pwd']);
    await gatehouse.advance('29d');
    expect(await next()).to.equal('signed in');
    await gatehouse.advance('2d');
    expect(await next()).to.equal(CHALLENGE);
  });

  it('is not remembered unless the box was ticked, nor by a backup code', async () => {
    const page = await afterPassword(web, party, person);
    codeOf(await web.submit(page, '/prove/totp', { code: codeFor(person.secret) }));
    expect(deviceOf(web)).to.equal(undefined);
    const again = await afterPassword(web, party, person, { prompt: 'login' });
    const backup = await web.get(`${again.url.href.split('/prove')[0]}?method=backup-codes`);
    expect(backup.text).not.to.include('name="remember"');
    const code = person.backupCodes[0] ?? '';
    codeOf(await web.submit(backup, '/prove/backup-codes', { code, remember: 'yes' }));
    expect(deviceOf(web)).to.equal(undefined);
  });

  it('the cookie is HttpOnly, for the whole site, and tells nothing', async () => {
    await trust();
    const cookie = deviceOf(web);
    expect(cookie).to.include({ path: '/' });
    expect(cookie?.name).to.match(/^gatehouse_device_[\w-]{8}$/);
    for (const known of [person.id, person.email]) {
      expect(`${cookie?.name}${cookie?.value}`).not.to.include(known);
    }
  });

  it('survives an ordinary sign-out', async () => {
    await trust();
    const { store: database } = gatehouse.core;
    await database.write(database.compile(database.sql('sessions').update({ ended_at: 1 })));
    expect(await next()).to.equal('signed in');
  });

  describe('counts for nothing', () => {
    const flipped = (value: string, at: number) =>
      value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);

    const bumpGeneration = async ({ id } = person) => {
      const { store: database } = gatehouse.core;
      const row = database.sql('accounts').where({ id }).increment('generation', 1);
      await database.write(database.compile(row, 1));
    };

    it('forged, truncated, or in any way not ours', async () => {
      await trust();
      const value = deviceOf(web)?.value ?? '';
      const forged = [
        '',
        'x',
        value.slice(0, -1),
        value.slice(0, 20),
        flipped(value, 3),
        flipped(value, 12),
        flipped(value, value.length - 2),
        `${value}A`,
        value.split('.')[1] ?? '',
        Buffer.from(JSON.stringify({ account: person.id })).toString('base64url'),
        'a'.repeat(3_000),
      ];
      for (const each of forged) {
        const browser = withCookie(each);
        expect(await next(browser), each.slice(0, 30)).to.equal(CHALLENGE);
      }
      expect(await next(withCookie(value)), 'the true one').to.equal('signed in');
    });

    it('of another account, under its own name and under this one', async () => {
      const other = await createEnrolledPerson(gatehouse, party);
      const theirs = createWeb(gatehouse.url);
      await trust();
      await trust(theirs, other);
      const cookie = deviceOf(theirs);
      expect(await next(withCookie(cookie?.value ?? '', cookie?.name))).to.equal(CHALLENGE);
      expect(await next(withCookie(cookie?.value ?? ''))).to.equal(CHALLENGE);
    });

    it('and is taken away, those of other accounts are left alone', async () => {
      await trust();
      const other = await createEnrolledPerson(gatehouse, party);
      await trust(web, other);
      const before = web.cookies().filter(isDevice);
      expect(before).to.have.length(2);
      await bumpGeneration(other);
      const page = await afterPassword(web, party, other, { prompt: 'login' });
      expect(titleOf(page)).to.equal(CHALLENGE);
      const code = codeFor(other.secret);
      codeOf(await web.submit(page, '/prove/totp', { code }));
      const left = web.cookies().filter(isDevice);
      expect(left).to.have.length(1);
      expect(await next()).to.equal('signed in');
    });

    const endings: ReadonlyArray<readonly [string, () => Promise<unknown>]> = [
      ['a password change', () => bumpGeneration()],
      [
        'its row deleted',
        async () => {
          const { store: database } = gatehouse.core;
          const rows = database.sql('trusted_devices').where({ account_id: person.id });
          await database.write(database.compile(rows.del(), 1));
        },
      ],
    ];
    for (const [what, end] of endings) {
      it(`replayed after ${what}`, async () => {
        await trust();
        const value = deviceOf(web)?.value ?? '';
        await end();
        expect(await next(withCookie(value))).to.equal(CHALLENGE);
        expect(await next()).to.equal(CHALLENGE);
        // The loop ends with a code, and what is trusted then is trusted.
        await trust();
        expect(await next()).to.equal('signed in');
        expect(await next(withCookie(value))).to.equal(CHALLENGE);
      });
    }

    it('where a new password was set in this sign-in: it takes the factor', async () => {
      await trust();
      const weak = await argon2.hash(WEAK_PASSWORD, { memoryCost: 19_456, timeCost: 2 });
      await setHash(gatehouse, person.id, weak);
      const owner = { ...person, password: WEAK_PASSWORD };
      const migrating = await afterPassword(web, party, owner, { prompt: 'login' });
      expect(titleOf(migrating)).to.equal('Update your password');
      const fields = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
      const challenge = await web.submit(migrating, '/new-password', fields);
      expect(titleOf(challenge)).to.equal(CHALLENGE);
      const code = codeFor(person.secret);
      codeOf(await web.submit(challenge, '/prove/totp', { code, remember: 'yes' }));
      const renewed = { ...person, password: NEW_PASSWORD };
      expect(await next(web, renewed), 'trust given in that sign-in').to.equal('signed in');
    });

    it('where more is asked for, or the application does not count it', async () => {
      await trust();
      const mfa = { acr_values: 'urn:gatehouse:acr:mfa' };
      expect(await next(web, person, mfa)).to.equal(CHALLENGE);
      const strict = await createRelyingParty(gatehouse, {
        metadata: { first_party: true, trusted_devices: false },
      });
      const page = await afterPassword(web, strict, person, { prompt: 'login' });
      expect(titleOf(page)).to.equal(CHALLENGE);
    });

    it('in a session: an application that does not count it asks for the code alone', async () => {
      await trust();
      expect(await next()).to.equal('signed in');
      const strict = await createRelyingParty(gatehouse, {
        metadata: { first_party: true, trusted_devices: false },
      });
      const page = await web.get(strict.url().url);
      expect(titleOf(page)).to.equal(CHALLENGE);
      codeOf(await web.submit(page, '/prove/totp', { code: codeFor(person.secret) }));
      const silent = await web.get(strict.url({ prompt: 'none' }).url);
      codeOf(silent);
    });
  });

  it('five accounts share one browser, the sixth displaces the oldest', async () => {
    const people: EnrolledPerson[] = [];
    for (let index = 0; index < 6; index += 1) {
      const each = await createEnrolledPerson(gatehouse, party);
      people.push(each);
      await trust(web, each);
    }
    expect(web.cookies().filter(isDevice)).to.have.length(5);
    expect(await next(web, people[0])).to.equal(CHALLENGE);
    expect(await next(web, people[1])).to.equal('signed in');
    expect(await next(web, people[5])).to.equal('signed in');
  });
});
