// Recent activity, and what changes on the account page leave in the audit and tell by mail.
import { expect } from 'chai';
import type { AuditEvent } from '../../../src/domain/audit/audit.ts';
import { AUDIT_KINDS } from '../../../src/domain/audit/kinds.ts';
import {
  FIREFOX,
  openAccount,
  openOnTrustedDevice,
  pathOn,
  sectionOf,
  signInElsewhere,
} from '../../support/account-page.ts';
import { auditRows, auditText, said } from '../../support/audit.ts';
import { backupCodesOn, codeFor, secretOn } from '../../support/authenticator-app.ts';
import {
  afterPassword,
  createEnrolledPerson,
  type EnrolledPerson,
} from '../../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import { mailsTo } from '../../support/mailbox.ts';
import { createRelyingParty, PASSWORD, type RelyingParty } from '../../support/relying-party.ts';
import { onBothStores } from '../../support/stores.ts';
import { NEW_PASSWORD } from '../../support/weak-person.ts';
import { createWeb, type Web } from '../../support/web.ts';

onBothStores('what happens on the account page', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse, { metadata: { client_name: 'Calendar' } });
  });
  beforeEach(async () => {
    person = await createEnrolledPerson(gatehouse, party);
    ({ web } = await openAccount(gatehouse, person));
  });
  after(() => gatehouse.stop());

  const at = (path: string) => `${gatehouse.url}${path}`;
  const rows = async () => auditRows(gatehouse, { accountId: person.id });
  /** What one change leaves behind. */
  const left = async (change: () => Promise<unknown>) => {
    const [before, mails] = [(await rows()).length, (await subjects()).length];
    await change();
    const added = (await rows()).slice(before);
    return { said: said(added), rows: added, mails: (await subjects()).slice(mails) };
  };
  const subjects = async () =>
    (await mailsTo(gatehouse, person.email)).map(({ subject }) => subject);
  const changePassword = async (current = PASSWORD) =>
    web.submit(await web.get(at('/account/password')), '/account/password', {
      current_password: current,
      new_password: NEW_PASSWORD,
      confirm_password: NEW_PASSWORD,
    });
  const add = async () => {
    const setup = await web.get(at('/account/authenticators/add/totp'));
    const code = codeFor(secretOn(setup));
    return web.submit(setup, '/add/totp', { code, device_name: 'Tablet' });
  };
  const follow = async (pattern: RegExp) =>
    web.get(at(pathOn(await web.get(at('/account')), pattern)));
  const act = async (path: string) => web.submit(await web.get(at(path)), path, { confirm: 'yes' });

  it('what repeats is one item with how often it happened', async () => {
    const refused = { kind: 'sign_in.locked', outcome: 'refused', accountId: person.id } as const;
    const detail = { rule: 'identifier', method: 'password' };
    const { audit } = gatehouse.core;
    for (let time = 0; time < 4; time += 1) await audit.fold({ ...refused, detail });
    const items = async () =>
      (await web.get(at('/account'))).text.match(/Sign-in paused after too many[^<]*/g);
    const running = await items();
    expect(running).to.have.length(1);
    expect(running?.[0]).to.match(/ \(4 times\)/);
    await gatehouse.advance('16m');
    await audit.closeEnded();
    const { web: later } = await openAccount(gatehouse, person);
    const ended = (await later.get(at('/account'))).text.match(
      /Sign-in paused after too many[^<]*/g,
    );
    expect(ended, 'after its window').to.deep.equal(running);
  });

  describe('is recorded and mailed:', () => {
    it('a new password', async () => {
      await signInElsewhere(gatehouse, party, person);
      const { said: told, rows: added, mails } = await left(() => changePassword());
      expect(told).to.have.members(['session.ended ok: password changed', 'password.changed ok']);
      expect(added.find(({ kind }) => kind === 'session.ended')?.detail).to.include({ count: 2 });
      expect(added.map(({ actor }) => actor)).to.deep.equal(added.map(() => person.id));
      expect(mails).to.deep.equal(['Your Gatehouse password was changed']);
    });

    it('a wrong current password, and the limit', async () => {
      const { said: told, mails } = await left(async () => {
        for (let time = 0; time < 4; time += 1) await changePassword('wrong');
      });
      expect(told).to.deep.equal([
        'password.changed refused: wrong password',
        'password.changed refused: wrong password',
        'sign_in.locked refused: limit reached',
        'password.changed refused: wrong password',
        'sign_in.locked refused: attempt refused by a limit',
      ]);
      expect(mails).to.deep.equal([]);
    });

    it('an authenticator that is added, and one that is removed', async () => {
      const added = await left(add);
      expect(added.said, 'nothing ends').to.deep.equal(['factor.enrolled ok']);
      expect(added.mails).to.deep.equal(['A new authenticator for your Gatehouse account']);
      const removed = await left(async () => web.submit(await follow(/remove$/), '/remove'));
      expect(removed.said).to.have.members([
        'session.ended ok: second factor removed',
        'factor.removed ok',
      ]);
      expect(removed.mails).to.have.length(1);
      expect(removed.mails[0]).to.match(/authenticator/i);
    });

    it('new backup codes', async () => {
      const { said: told, mails } = await left(async () =>
        web.submit(await web.get(at('/account/backup-codes')), '/backup-codes', { saved: 'yes' }),
      );
      expect(told).to.deep.equal(['backup_codes.renewed ok']);
      expect(mails).to.have.length(1);
    });

    it('devices that are forgotten, one and all', async () => {
      await openOnTrustedDevice(gatehouse, party, person);
      const page = await web.get(at('/account'));
      const path = pathOn(page, /forget$/);
      const one = await left(() => web.submit(page, path.slice(-30)));
      expect(one.said).to.deep.equal(['device.ended ok: forgotten']);
      const again = await left(() => web.submit(page, path.slice(-30)));
      expect(again.said, 'there is none any more').to.deep.equal([]);
      const all = await left(() => act('/account/devices/forget-all'));
      expect(all.said).to.deep.equal(['device.ended ok: all forgotten']);
    });

    it('a session that is ended, and all of them', async () => {
      await signInElsewhere(gatehouse, party, person);
      const page = await web.get(at('/account'));
      const path = pathOn(page, /sessions\/.*end$/);
      const one = await left(() => web.submit(page, path));
      expect(one.said).to.deep.equal(['session.ended ok: signed out from elsewhere']);
      const all = await left(() => act('/account/sign-out-everywhere'));
      expect(new Set(all.said)).to.deep.equal(
        new Set([
          'session.ended ok: signed out everywhere',
          'device.ended ok: signed out everywhere',
        ]),
      );
    });

    it('access that is revoked', async () => {
      await signInElsewhere(gatehouse, party, person, { web });
      const { said: told, rows: added } = await left(() =>
        act(`/account/applications/${party.id}/revoke`),
      );
      expect(told).to.deep.equal(['consent.revoked ok']);
      expect(added[0]?.clientId).to.equal(party.id);
    });

    it('and nothing secret is among it', async () => {
      const codes = backupCodesOn(await web.get(at('/account/backup-codes')));
      await web.submit(await web.get(at('/account/backup-codes')), '/backup-codes', {
        saved: 'yes',
      });
      await changePassword('Wrong-one-4-the-page');
      await changePassword();
      const text = await auditText(gatehouse);
      for (const secret of [...codes, PASSWORD, NEW_PASSWORD, 'Wrong-one-4-the-page']) {
        expect(text).not.to.include(secret);
      }
    });
  });

  describe('is shown to its owner:', () => {
    const activity = async () => sectionOf(await web.get(at('/account')), 'Recent activity');

    it('the newest first, with browser and address', async () => {
      const other = createWeb(gatehouse.url);
      const page = await other.get(party.url().url);
      await other.post(
        at(`${page.url.pathname}/prove/password`),
        {
          csrf: /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '',
          email: person.email,
          password: 'wrong',
        },
        { 'user-agent': FIREFOX },
      );
      await changePassword();
      expect(await activity()).to.match(
        /Password changed .*UTC.*Sign-in refused: wrong password Firefox on Linux, .*Signed in to Gatehouse account .*Signed in to Calendar .*Authenticator added /,
      );
    });

    it('eleven sessions that end with one act in one row', async () => {
      for (let time = 0; time < 10; time += 1) await signInElsewhere(gatehouse, party, person);
      await changePassword();
      const text = await activity();
      expect(text).to.include('11 sessions ended');
      expect(text).not.to.include('Session ended');
    });

    it('only what concerns them, and tokens are not among it', async () => {
      const somebody = await createEnrolledPerson(gatehouse, party);
      await afterPassword(createWeb(gatehouse.url), party, { ...somebody, password: 'wrong' });
      const { tokens } = await signInElsewhere(gatehouse, party, person, { web });
      for (let time = 0; time < 3; time += 1) await party.refresh(tokens.refresh_token ?? '');
      const text = await activity();
      expect(text).not.to.include('refused at the password');
      expect(text).to.include('Access granted to Calendar');
      expect(text).to.not.match(/token(?!.*came again)/i);
    });

    it('each change in words of its own', async () => {
      await openOnTrustedDevice(gatehouse, party, person);
      await signInElsewhere(gatehouse, party, person, { web });
      await changePassword('wrong');
      await act(`/account/applications/${party.id}/revoke`);
      await act('/account/devices/forget-all');
      await add();
      await web.submit(await follow(/remove$/), '/remove');
      await web.submit(await web.get(at('/account/backup-codes')), '/backup-codes', {
        saved: 'yes',
      });
      const text = await activity();
      for (const words of [
        'Device trusted',
        'Password not changed: the current one was wrong',
        'Access revoked for Calendar',
        'Trusted device removed',
        'Authenticator added',
        'sessions ended',
        'Authenticator removed',
        'New backup codes saved',
      ]) {
        expect(text).to.include(words);
      }
    });

    it('whatever there is: no kind of event breaks the page', async () => {
      const { audit, store: database } = gatehouse.core;
      const outcomes = ['ok', 'refused'] as const;
      const all = AUDIT_KINDS.flatMap((kind) => outcomes.map((outcome) => ({ kind, outcome })));
      for (const each of all) {
        // By itself, so that it is among those that are shown.
        await database.write(
          audit.record({ ...each, accountId: person.id, clientId: 'gone' } as AuditEvent),
        );
        expect((await web.get(at('/account'))).status, JSON.stringify(each)).to.equal(200);
      }
      expect(await activity()).to.include('Access granted to an application');
    });

    it('what an operator does, without saying who', async () => {
      const { operations, accounts } = gatehouse.core;
      await operations.resetPassword(await accounts.get(person.id), {
        actor: 'cli:somebody',
        reason: 'a test',
      });
      const row = (await rows()).at(-1);
      expect(row?.kind).to.equal('admin.reset_password');
      const { store: database } = gatehouse.core;
      // As it reads once the person is back.
      const generation = (await accounts.get(person.id)).generation;
      const own = database.sql('sessions').where({ account_id: person.id });
      await database.write(database.compile(own.update({ generation, ended_at: null })));
      const text = await activity();
      expect(text).to.include('Password reset An operator');
      expect(text).not.to.include('somebody');
    });
  });
});
