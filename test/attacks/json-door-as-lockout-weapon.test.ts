// A stranger fails in somebody's name over JSON, so that their own application is refused: what it has
// kept from an earlier sign-in lets it through, and skips nothing.
import { expect } from 'chai';
import { type Application, createApplication, PUBLIC } from '../support/application.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { freshAddress } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

const BEHIND_PROXY = { TRUSTED_PROXIES: '127.0.0.1,::1', GATEHOUSE_CONFIG: '' };

onBothStores('the JSON door as a weapon', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let app: Application;
  let owner: EnrolledPerson;
  let address: string;

  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
    app = await createApplication(pair, { client_name: 'Pocket App', ...PUBLIC });
  });
  beforeEach(async () => {
    owner = await createEnrolledPerson(pair, party);
    address = freshAddress();
  });
  after(() => pair.stop());

  let turn = 0;
  const post = (path: string, body: object, by = app) => {
    turn += 1;
    return by.post(path, by.secret ? body : { client_id: by.id, ...body }, {
      headers: { 'x-forwarded-for': address },
      at: pair.processes[turn % 2]?.url ?? '',
    });
  };
  const login = (more: object = {}, by = app) => {
    const { email, password } = owner;
    return post('login', { email, password, ...more }, by);
  };
  /** A finished sign-in, and what the application keeps of it. */
  const tokenOf = async (by = app): Promise<string> => {
    const { status, body } = await login({ totp_code: codeFor(owner.secret) }, by);
    expect(status, JSON.stringify(body)).to.equal(200);
    await pair.advance('30s');
    return String(body.device_token);
  };
  const lockOut = async () => {
    for (let time = 0; time < 5; time += 1) {
      expect((await login({ password: `wrong ${time}` })).status).to.equal(401);
    }
  };
  /** Whether an attempt with it is looked at while strangers are refused. */
  const counts = async (device_token: unknown, by = app) => {
    const { status } = await login({ device_token }, by);
    expect(status).to.be.oneOf([401, 429]);
    return status === 401;
  };

  it('leaves the owner their application, eighteen times of eighteen', async () => {
    const device_token = await tokenOf();
    for (let time = 0; time < 18; time += 1) {
      const guesses = Array.from({ length: 6 }, () => login({ password: 'wrong' }));
      const strangers = (await Promise.all(guesses)).map(({ status }) => status);
      expect(strangers, `time ${time}`).to.include(429);
      const { status, body } = await login({ device_token, totp_code: codeFor(owner.secret) });
      expect(status, `time ${time}: ${JSON.stringify(body)}`).to.equal(200);
      expect(body.device_token, 'the same one').to.equal(device_token);
      await pair.advance('30s');
    }
    // After so many failures in one hour strangers are slowed down from anywhere.
    address = freshAddress();
    expect(await counts(undefined), 'without it').to.equal(false);
    expect(await counts(device_token), 'with it').to.equal(true);
  });

  it('stands in both calls of one sign-in, with five codes of its own', async () => {
    const device_token = await tokenOf();
    for (let call = 0; call < 2; call += 1) {
      const { session_id } = (await login()).body;
      for (let time = 0; time < 5; time += 1) {
        await post('mfa', { session_id, totp_code: '000000' });
      }
    }
    const stranger = (await login()).body;
    const refused = await post('mfa', {
      session_id: stranger.session_id,
      totp_code: codeFor(owner.secret),
    });
    expect(refused.status).to.equal(429);
    const { status, body } = await login({ device_token });
    expect([status, body.error]).to.deep.equal([401, 'mfa_required']);
    const { session_id } = body;
    const wrong = await post('mfa', { session_id, totp_code: '000000' });
    expect([wrong.status, wrong.body.attempts_remaining]).to.deep.equal([401, 4]);
    const right = await post('mfa', { session_id, totp_code: codeFor(owner.secret) });
    expect([right.status, right.body.device_token]).to.deep.equal([200, device_token]);
  });

  it('skips nothing, and is limited itself', async () => {
    const device_token = await tokenOf();
    const { status, body } = await login({ device_token });
    expect([status, body.error]).to.deep.equal([401, 'mfa_required']);
    const statuses: number[] = [];
    for (let time = 0; time < 6; time += 1) {
      statuses.push((await login({ device_token, password: 'wrong' })).status);
    }
    expect(statuses).to.deep.equal([401, 401, 401, 401, 401, 429]);
    expect((await login()).body.error, 'strangers are counted apart').to.equal('mfa_required');
  });

  it('is worth nothing for another account, for another application, or forged', async () => {
    const device_token = await tokenOf();
    const other = await createApplication(pair, { client_name: 'Other App' });
    const theirs = await tokenOf(other);
    expect(theirs).not.to.equal(device_token);
    await lockOut();
    for (const [worth, token, by] of [
      [false, device_token, other],
      [false, theirs, app],
      [false, `${device_token.slice(0, -1)}x`, app],
      [false, 'x', app],
      [true, theirs, other],
      [true, device_token, app],
    ] as const) {
      expect(await counts(token, by), token).to.equal(worth);
    }
    const victim = await createPerson(pair);
    for (let time = 0; time < 5; time += 1) {
      await post('login', { email: victim.email, password: 'wrong', device_token });
    }
    const sixth = { email: victim.email, password: victim.password, device_token };
    expect((await post('login', sixth)).status).to.equal(429);
  });

  it('ends with a reset, and signing in often with none evicts no browser and no other application', async () => {
    const device_token = await tokenOf();
    const other = await createApplication(pair, { client_name: 'Other App' });
    const theirs = await tokenOf(other);
    const { knownBrowsers, store: database } = pair.core;
    const made = await knownBrowsers.remember(owner.id, { browser: undefined }, true);
    await database.write(...made.unit);
    for (let time = 0; time < 25; time += 1) {
      const application = { clientId: app.id, device: undefined };
      const { unit } = await knownBrowsers.remember(
        owner.id,
        { browser: undefined, application },
        true,
      );
      await database.write(...unit);
    }
    await lockOut();
    expect(await counts(theirs, other)).to.equal(true);
    expect(await counts(device_token), 'twenty newer ones took its place').to.equal(false);
    const found = await knownBrowsers.find({ accountId: owner.id }, { browser: made.kept });
    expect(found?.hasFactor).to.equal(true);
    await database.commit([await knownBrowsers.forget(owner.id)]);
    expect(await counts(theirs, other)).to.equal(false);
  });
});
