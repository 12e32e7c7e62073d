// The sign-in of first-party applications: the same steps as the pages, told in JSON.
import { expect } from 'chai';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { now } from '../../../src/lib/clock.ts';
import { type Application, createApplication, PUBLIC } from '../../support/application.ts';
import { auditRows, said } from '../../support/audit.ts';
import { codeFor } from '../../support/authenticator-app.ts';
import { createEnrolledPerson } from '../../support/enrolled-person.ts';
import { createExistingPerson } from '../../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  relyingParty,
} from '../../support/relying-party.ts';
import { onOneStore } from '../../support/stores.ts';
import { createWeakPerson } from '../../support/weak-person.ts';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

onOneStore('JSON sign-in', (store) => {
  let gatehouse: Gatehouse;
  let app: Application;
  let party: RelyingParty;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    app = await createApplication(gatehouse);
    party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
  });
  after(() => gatehouse.stop());

  const login = ({ email, password }: Person, more: object = {}, at: Application = app) =>
    at.post('login', { email, password, ...more });
  const verify = async (token: unknown, audience: string) => {
    const keys = createRemoteJWKSet(new URL(`${gatehouse.url}/jwks`));
    const currentDate = new Date(now());
    return jwtVerify(String(token), keys, { issuer: gatehouse.url, audience, currentDate });
  };

  it('in grace: a password is enough, and the tokens are those of a sign-in', async () => {
    const person = await createExistingPerson(gatehouse);
    const { status, body } = await login(person);
    expect(status, JSON.stringify(body)).to.equal(200);
    expect(body).to.include({ token_type: 'Bearer', expires_in: 900, refresh_expires_in: 604_800 });
    expect(body.scope).to.equal('openid profile email');
    const access = await verify(body.token, `${gatehouse.url}/api`);
    expect(access.protectedHeader.typ).to.equal('at+jwt');
    expect(access.payload).to.include({
      sub: person.id,
      client_id: app.id,
      acr: 'urn:gatehouse:acr:password',
      email: person.email,
      name: 'Existing Person',
    });
    expect(access.payload.amr).to.deep.equal(['pwd']);
    const session = body.session as { id: string; expires_at: string };
    expect(session.id).to.equal(access.payload.sid);
    expect(session.expires_at).to.match(ISO);
    const id = await verify(body.id_token, app.id);
    expect(id.payload).to.include({ sub: person.id, sid: session.id });
  });

  it('in two calls: password, then the code', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const first = await login(person);
    expect(first.status).to.equal(401);
    expect(first.body).to.include({ error: 'mfa_required', requires_mfa: true });
    expect(first.body.methods).to.deep.equal(['totp', 'backup-codes']);
    expect(first.body.trace).to.match(/^[0-9A-Z]{10}$/);
    const { session_id } = first.body;
    const done = await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect(done.status, JSON.stringify(done.body)).to.equal(200);
    const { payload } = await verify(done.body.token, `${gatehouse.url}/api`);
    expect(payload).to.include({ acr: 'urn:gatehouse:acr:mfa' });
    expect(payload.amr).to.deep.equal(['pwd', 'otp', 'mfa']);
    const again = await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect([again.status, again.body.error]).to.deep.equal([401, 'invalid_session']);
  });

  it('in one call, with a code or a backup code', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const byCode = await login(person, { totp_code: codeFor(person.secret), scope: 'openid' });
    expect(byCode.status, JSON.stringify(byCode.body)).to.equal(200);
    expect(byCode.body.scope).to.equal('openid');
    const byBackup = await login(person, { backup_code: person.backupCodes[0] });
    expect(byBackup.status, JSON.stringify(byBackup.body)).to.equal(200);
    const twice = await login(person, { backup_code: person.backupCodes[0] });
    expect([twice.status, twice.body.error]).to.deep.equal([401, 'invalid_mfa_code']);
  });

  it('a wrong code leaves the sign-in open, and says how many are left', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const first = await login(person, { totp_code: '000000' });
    expect([first.status, first.body.error]).to.deep.equal([401, 'invalid_mfa_code']);
    expect(first.body).to.include({ attempts_remaining: 9 });
    expect(first.body.reset_at).to.match(ISO);
    const { session_id } = first.body;
    const second = await app.post('mfa', { session_id, totp_code: '000001' });
    expect(second.body).to.include({ error: 'invalid_mfa_code', attempts_remaining: 8 });
    const right = await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect(right.status).to.equal(200);
  });

  it('what cannot be a code is no guess: 422 by name, and the sign-in stays open', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const first = await login(person, { totp_code: '12345' });
    expect([first.status, first.body.error]).to.deep.equal([422, 'invalid_mfa_code']);
    expect(first.body.error_description).to.match(/^totp_code: Enter the 6-digit code/);
    const { session_id } = first.body;
    const again = async (code: Record<string, string | undefined>) => {
      const { status, body } = await app.post('mfa', { session_id, ...code });
      return [status, body.error, body.error_description, body.attempts_remaining];
    };
    const refused = [422, 'invalid_mfa_code'];
    const elsewhere = 'totp_code: looks like a backup_code; send it in that member';
    expect(await again({ totp_code: person.backupCodes[0] })).to.deep.equal([
      ...refused,
      elsewhere,
      undefined,
    ]);
    const other = 'backup_code: looks like a totp_code; send it in that member';
    expect((await again({ backup_code: '123456' }))[2]).to.equal(other);
    expect((await again({ backup_code: 'UUUU-UUUU' })).slice(0, 2)).to.deep.equal(refused);
    expect((await again({ sms_code: 'abcdef' })).slice(0, 2)).to.deep.equal(refused);
    expect((await again({ totp_code: '000000' }))[3], 'the first that counts').to.equal(9);
    const totp_code = codeFor(person.secret).replace(/(...)/, '$1\u2011\u200b');
    expect((await app.post('mfa', { session_id, totp_code })).status).to.equal(200);
  });

  it('eleven wrong codes close the account at every door until the window ends', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { session_id } = (await login(person)).body;
    for (let left = 9; left >= 0; left -= 1) {
      const { body, headers } = await app.post('mfa', { session_id, totp_code: '000000' });
      expect(body).to.include({ error: 'invalid_mfa_code', attempts_remaining: left });
      expect(headers.has('retry-after')).to.equal(left === 0);
    }
    const right = await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect([right.status, right.body.error]).to.deep.equal([429, 'rate_limited']);
    expect(right.body).to.include({ attempts_remaining: 0, session_id });
    expect(right.body.reset_at).to.match(ISO);
    expect(Number(right.headers.get('retry-after'))).to.be.within(1, 900);
    await gatehouse.advance('14m');
    const next = (await login(person)).body;
    await gatehouse.advance('61s');
    const code = codeFor(person.secret);
    const open = await app.post('mfa', { session_id: next.session_id, totp_code: code });
    expect(open.status, JSON.stringify(open.body)).to.equal(200);
  });

  it('wrong passwords count down, for unknown names alike', async () => {
    for (const email of [(await createPerson(gatehouse)).email, 'nobody@example.com']) {
      const seen = [];
      for (let tries = 0; tries < 6; tries += 1) {
        const { status, body, headers } = await app.post('login', { email, password: 'wrong' });
        expect(body.reset_at).to.match(ISO);
        seen.push([status, body.error, body.attempts_remaining, headers.has('retry-after')]);
      }
      expect(seen).to.deep.equal([
        [401, 'invalid_credentials', 4, false],
        [401, 'invalid_credentials', 3, false],
        [401, 'invalid_credentials', 2, false],
        [401, 'invalid_credentials', 1, false],
        [401, 'invalid_credentials', 0, true],
        [429, 'rate_limited', 0, true],
      ]);
      await gatehouse.advance('15m');
    }
  });

  it('a password that must change leads to the page', async () => {
    const person = await createWeakPerson(gatehouse);
    const { status, body } = await login(person);
    expect([status, body.error]).to.deep.equal([403, 'password_migration_required']);
    expect(body.url).to.equal(`${gatehouse.url}/account`);
  });

  it('a second factor that is due leads to the page', async () => {
    const person = await createPerson(gatehouse);
    const { status, body } = await login(person);
    expect([status, body.error]).to.deep.equal([403, 'mfa_enrolment_required']);
    expect(body.url).to.equal(`${gatehouse.url}/account`);
  });

  it('a suspended account hears of it with the right password alone', async () => {
    const person = await createExistingPerson(gatehouse);
    const { core } = gatehouse;
    const account = await core.accounts.get(person.id);
    await core.operations.suspend(account, { actor: 'cli:test', reason: 'a test' });
    for (const left of [4, 3, 2]) {
      const wrong = await login({ ...person, password: 'wrong' });
      expect([wrong.status, wrong.body.error]).to.deep.equal([401, 'invalid_credentials']);
      expect(wrong.body.attempts_remaining, 'the right ones between are no failures').to.equal(
        left,
      );
      const { status, body } = await login(person);
      expect([status, body.error]).to.deep.equal([403, 'account_suspended']);
      expect(body.error_description).to.equal('This account is suspended.');
    }
  });

  it('what the application requires is asked of everybody', async () => {
    const strict = await createApplication(gatehouse, { require_acr: 'urn:gatehouse:acr:mfa' });
    const { body } = await login(await createExistingPerson(gatehouse), {}, strict);
    expect(body.error).to.equal('mfa_enrolment_required');
  });

  it('refreshes with one token, which an application that authenticates keeps', async () => {
    const first = (await login(await createExistingPerson(gatehouse))).body;
    for (let times = 1; times <= 3; times += 1) {
      await gatehouse.advance('20m');
      const next = await app.post('refresh', { refreshToken: first.refreshToken });
      expect([next.status, next.body.refreshToken]).to.deep.equal([200, first.refreshToken]);
    }
  });

  it('refreshes, and a replaced token that comes again late ends the family', async () => {
    const person = await createExistingPerson(gatehouse);
    const app = await createApplication(gatehouse, { rotate_refresh_tokens: true });
    const first = (await login(person, {}, app)).body;
    const second = await app.post('refresh', { refreshToken: first.refreshToken });
    expect(second.status, JSON.stringify(second.body)).to.equal(200);
    expect(second.body).to.include({ token_type: 'Bearer', expires_in: 900, scope: first.scope });
    expect(second.body.session).to.deep.equal(first.session);
    await verify(second.body.token, `${gatehouse.url}/api`);
    await gatehouse.advance('10s');
    for (const refreshToken of [first.refreshToken, second.body.refreshToken, 'rubbish']) {
      const { status, body } = await app.post('refresh', { refreshToken });
      expect([status, body.error]).to.deep.equal([401, 'invalid_refresh_token']);
    }
  });

  it('says when a refresh token ends, which is with its session at the latest', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const scopes = ['openid', 'openid offline_access'];
    const first = await Promise.all(
      scopes.map((scope, at) => login(person, { scope, backup_code: person.backupCodes[at] })),
    );
    const days = async (answers: typeof first) => {
      await gatehouse.advance('6d');
      const bodies = answers.map(({ body: { refreshToken } }) => ({ refreshToken }));
      return Promise.all(bodies.map((body) => app.post('refresh', body)));
    };
    const last = await days(await days(first));
    const [withSession, offline] = last.map(({ body }) => Number(body.refresh_expires_in) / 86_400);
    expect(withSession).to.be.within(1.99, 2);
    expect(offline).to.equal(7);
  });

  it('its tokens are good at the token endpoint, too, and for this application alone', async () => {
    const { refreshToken } = (await login(await createExistingPerson(gatehouse))).body;
    const other = await createApplication(gatehouse);
    const stolen = await other.post('refresh', { refreshToken });
    expect(stolen.body.error).to.equal('invalid_refresh_token');
    const own = relyingParty(gatehouse.url, app.id, app.secret);
    expect((await own.refresh(String(refreshToken))).status).to.equal(200);
  });

  it('logs out: session and tokens end, and the answer is the same for rubbish', async () => {
    const person = await createExistingPerson(gatehouse);
    const { refreshToken } = (await login(person, { scope: 'openid offline_access' })).body;
    const other = await createApplication(gatehouse);
    expect((await other.post('logout', { refreshToken })).status).to.equal(204);
    const { body } = await app.post('refresh', { refreshToken });
    const newest = String(body.refreshToken);
    for (const value of [newest, newest, 'rubbish']) {
      expect((await app.post('logout', { refreshToken: value })).status).to.equal(204);
    }
    expect((await app.post('refresh', { refreshToken: newest })).status).to.equal(401);
    const sessions = await gatehouse.core.audit.newest({ accountId: person.id }, 3);
    expect(said(sessions)[0]).to.equal('session.ended ok: signed out at an application');
  });

  it('leaves the trail of any sign-in in the audit, and no session id of it', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const before = (await auditRows(gatehouse, { accountId: person.id })).length;
    const { session_id } = (await login(person)).body;
    await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    const rows = (await auditRows(gatehouse, { accountId: person.id })).slice(before);
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.factor ok',
      'sign_in.finished ok',
      'token.issued ok',
    ]);
    expect(new Set(rows.map(({ flowId }) => flowId)).size).to.equal(1);
    expect(rows.map(({ clientId }) => clientId)).to.deep.equal(rows.map(() => app.id));
    expect(JSON.stringify(rows)).not.to.include(session_id);
  });

  it('a half-done sign-in is of its application, and of fifteen minutes', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { session_id } = (await login(person)).body;
    const other = await createApplication(gatehouse);
    const stolen = await other.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect([stolen.status, stolen.body.error]).to.deep.equal([401, 'invalid_session']);
    await gatehouse.advance('15m');
    const late = await app.post('mfa', { session_id, totp_code: codeFor(person.secret) });
    expect([late.status, late.body.error]).to.deep.equal([401, 'invalid_session']);
  });

  it('authenticates the application first, and lets only our own sign people in', async () => {
    const person = await createExistingPerson(gatehouse);
    const body = { email: person.email, password: person.password };
    const basic = `Basic ${Buffer.from(`${app.id}:wrong`).toString('base64')}`;
    const wrong = await app.post('login', body, { authorization: basic });
    expect([wrong.status, wrong.body.error]).to.deep.equal([401, 'invalid_client']);
    const bare = await app.post(
      'login',
      { ...body, client_id: app.id },
      { authorization: undefined },
    );
    expect([bare.status, bare.body.error]).to.deep.equal([401, 'invalid_client']);
    const nobody = await app.post('login', body, { authorization: undefined });
    expect([nobody.status, nobody.body.error]).to.deep.equal([400, 'invalid_request']);
    expect(nobody.body.error_description).to.include('client_id');
    const third = await createApplication(gatehouse, { first_party: false });
    const refused = await third.post('login', body);
    expect([refused.status, refused.body.error]).to.deep.equal([403, 'client_not_allowed']);
    for (const metadata of [{ ...PUBLIC, direct_sign_in: false }, PUBLIC]) {
      const { id, post } = await createApplication(gatehouse, metadata);
      const { status } = await post('login', { ...body, client_id: id });
      expect(status).to.equal(metadata === PUBLIC ? 200 : 403);
    }
    const scoped = await app.post('login', { ...body, scope: 'openid admin' });
    expect([scoped.status, scoped.body.error]).to.deep.equal([400, 'invalid_scope']);
    expect(scoped.body.error_description).to.include('admin');
  });
});
