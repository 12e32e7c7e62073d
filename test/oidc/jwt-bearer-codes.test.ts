// Service accounts with an authenticator: its code beside the assertion, counted as people's are.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { auditRows, said } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { assertionOf, createMachine, type Machine, present } from '../support/machine.ts';
import { type Pair, startPair } from '../support/pair.ts';
import type { Answer } from '../support/relying-party.ts';
import { onBothStores, onOneStoreExcept } from '../support/stores.ts';

const ALLOWED = 10;
const AT_ONCE = 20;
const WINDOW = 15 * 60_000;

onOneStoreExcept(/any node|two nodes/, 'codes of service accounts', (store) => {
  let pair: Pair;
  let machine: Machine;
  before(async () => {
    pair = await startPair(store);
  });
  beforeEach(async () => {
    machine = await newMachine();
  });
  after(() => pair.stop());

  const newMachine = () =>
    createMachine(pair, { totp: true, scopes: [], resources: [`${pair.url}/api`] });
  const at = (index: number) => pair.processes[index % 2]?.url ?? '';
  const ask = (mfa_code?: string, where = pair.url, who = machine) => {
    const fields = mfa_code === undefined ? {} : { mfa_code };
    return present(where, assertionOf(who, pair.url), { fields });
  };
  const codeAt = (offset = 0, who = machine) => codeFor(who.secret ?? '', Date.now() + offset);
  const wrong = () => (codeAt() === '000000' ? '111111' : '000000');
  const rows = async () => said(await auditRows(pair, { accountId: machine.id }));

  /** In the words of every other refusal, and how often it may still be tried. */
  const expectRefused = ({ status, body }: Answer, left: number) => {
    const { trace, attempts_remaining: remaining, reset_at: resetAt, ...rest } = body;
    expect(rest).to.deep.equal({
      error: 'invalid_grant',
      error_description: 'grant request is invalid',
    });
    expect(status).to.equal(400);
    expect(trace).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(remaining).to.equal(left);
    return Date.parse(String(resetAt)) - Date.now();
  };

  it('the right code brings a token', async () => {
    const { status, body } = await ask(codeAt());
    expect(status).to.equal(200);
    expect(body).to.have.keys('access_token', 'token_type', 'expires_in');
    expect(await rows()).to.deep.equal(['service_account.token ok']);
  });

  it('an account without an authenticator is asked for none', async () => {
    const plain = await createMachine(pair, { scopes: [], resources: [`${pair.url}/api`] });
    expect((await ask(undefined, pair.url, plain)).status).to.equal(200);
    expect((await ask('000000', pair.url, plain)).status).to.equal(200);
  });

  it('without a code there is none', async () => {
    const resetIn = expectRefused(await ask(), 9);
    expect(resetIn).to.be.within(WINDOW - 60_000, WINDOW);
    expect(await rows()).to.deep.equal(['service_account.token refused: mfa_code: no code']);
    expect((await ask(codeAt())).status).to.equal(200);
  });

  it('what is no code is no guess: it costs neither the assertion nor a try', async () => {
    const assertion = assertionOf(machine, pair.url);
    for (const code of ['nonsense', '12345', `${codeAt()}0`, ' ', '%']) {
      const fields = { mfa_code: code };
      const { status, body } = await present(pair.url, assertion, { fields });
      const { trace, ...rest } = body;
      expect([status, rest], code).to.deep.equal([
        400,
        { error: 'invalid_request', error_description: 'mfa_code must be six digits' },
      ]);
      expect(trace).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    }
    expect(await rows()).to.deep.equal([]);
    expectRefused(await ask(wrong()), 9);
    const spaced = codeAt().replace(/(.{3})/, '$1 – ');
    const fields = { mfa_code: spaced };
    expect((await present(pair.url, assertion, { fields })).status).to.equal(200);
  });

  it('a wrong code costs its assertion and a try; the right one forgets the failures', async () => {
    const assertion = assertionOf(machine, pair.url);
    expectRefused(await present(pair.url, assertion, { fields: { mfa_code: wrong() } }), 9);
    const again = await present(pair.url, assertion, { fields: { mfa_code: codeAt() } });
    expect(again.body).not.to.have.property('attempts_remaining');
    expect(again.status).to.equal(400);
    expect((await ask(codeAt())).status).to.equal(200);
    expectRefused(await ask(wrong()), 9);
    expect(await rows()).to.deep.equal([
      'service_account.token refused: mfa_code: wrong code',
      'service_account.token refused: assertion used before',
      'service_account.token ok',
      'service_account.token refused: mfa_code: wrong code',
    ]);
  });

  it("another account's code is a wrong one", async () => {
    const other = await newMachine();
    expectRefused(await ask(codeAt(0, other)), 9);
    expect((await ask(codeAt(0, other), pair.url, other)).status).to.equal(200);
  });

  it('an assertion that is refused costs no try, and no code', async () => {
    const forged = await present(pair.url, assertionOf(machine, pair.url, { aud: 'x' }), {
      fields: { mfa_code: wrong() },
    });
    expect(forged.body).not.to.have.property('attempts_remaining');
    const fields = { mfa_code: codeAt(), scope: 'nothing' };
    const tooMuch = await present(pair.url, assertionOf(machine, pair.url), { fields });
    expect(tooMuch.body.error).to.equal('invalid_scope');
    expect((await ask(codeAt())).status).to.equal(200);
    expectRefused(await ask(wrong()), 9);
  });

  it('a code is good once, on any node, with any assertion', async () => {
    const code = codeAt();
    expect((await ask(code, at(0))).status).to.equal(200);
    expectRefused(await ask(code, at(1)), 9);
    expectRefused(await ask(code, at(0)), 8);
    expectRefused(await ask(codeAt(-30_000), at(1)), 7);
    await pair.advance('30s');
    expect((await ask(codeAt(), at(1))).status).to.equal(200);
  });

  it('a code of a clock that is a step off is right, and one of five minutes is burnt', async () => {
    expect((await ask(codeAt(30_000))).status).to.equal(200);
    const early = codeAt(300_000);
    expectRefused(await ask(early), 9);
    await pair.advance('300s');
    expectRefused(await ask(early), 8);
    await pair.advance('30s');
    expect((await ask(codeAt())).status).to.equal(200);
    expect(await rows()).to.include(
      'service_account.token refused: mfa_code: code of another time',
    );
  });

  it('after ten wrong ones on two nodes the right one is refused, for fifteen minutes', async () => {
    for (let left = ALLOWED - 1; left >= 0; left -= 1) {
      expectRefused(await ask(wrong(), at(left)), left);
    }
    for (const index of [0, 1]) {
      const answer = await ask(codeAt(), at(index));
      const opensIn = expectRefused(answer, 0);
      expect(opensIn).to.be.within(WINDOW - 60_000, WINDOW);
      const seconds = Number(answer.headers.get('retry-after'));
      expect(seconds * 1000).to.be.within(opensIn - 5_000, opensIn + 5_000);
    }
    expect((await rows()).slice(-5)).to.deep.equal([
      'service_account.token refused: mfa_code: wrong code',
      'sign_in.locked refused: attempt refused by a limit',
      'service_account.token refused: attempt refused by a limit',
      'sign_in.locked refused: attempt refused by a limit',
      'service_account.token refused: attempt refused by a limit',
    ]);
    expect(await rows()).to.include('sign_in.locked refused: limit reached');
    await pair.advance('15m');
    expect((await ask(codeAt())).status).to.equal(200);
  });

  it('a hundred wrong ones in a row close it until an operator unlocks it', async () => {
    const { store: database } = pair.core;
    expectRefused(await ask(wrong()), 9);
    const counters = database.sql('limit_counters').where({ rule: 'codes-in-a-row' });
    await database.write(database.compile(counters.update({ failures: 99 })));
    const last = await ask(wrong());
    expect(last.body).to.include({ attempts_remaining: 0, reset_at: null });
    const closed = await ask(codeAt());
    expect(closed.body).to.include({ attempts_remaining: 0, reset_at: null });
    expect(closed.headers.has('retry-after')).to.equal(false);
  });

  it('the secret is sealed for its account: in the row of another one it opens nothing', async () => {
    const other = await newMachine();
    const { store: database } = pair.core;
    const table = () => database.sql('service_account_authenticators');
    const stolen = await database.find(database.compile(table().where({ account_id: machine.id })));
    const row = { secret: stolen?.secret };
    await database.write(database.compile(table().where({ account_id: other.id }).update(row), 1));
    expectRefused(await ask(codeAt(), pair.url, other), 9);
  });
});

onBothStores('one code at twenty requests', (store) => {
  it('brings one token a round', async () => {
    const database = await store.createMigrated();
    // The limit would leave ten of twenty: here it is the single use that must hold.
    const settings = join(database.dataDir, 'many-codes.json');
    const codes = { failures: 1_000, window: 900, consecutive: 10_000 };
    writeFileSync(settings, JSON.stringify({ limits: { codes } }));
    const pair = await startPair(store, { GATEHOUSE_CONFIG: settings }, database);
    try {
      const resources = [`${pair.url}/api`];
      const machine = await createMachine(pair, { totp: true, scopes: [], resources });
      for (let round = 1; round <= 5; round += 1) {
        const fields = { mfa_code: codeFor(machine.secret ?? '') };
        const answers = await Promise.all(
          Array.from({ length: AT_ONCE }, (_, index) =>
            present(pair.processes[index % 2]?.url ?? '', assertionOf(machine, pair.url), {
              fields,
            }),
          ),
        );
        const winners = answers.filter(({ status }) => status === 200);
        expect(winners, `round ${round}`).to.have.length(1);
        const losers = answers.filter(({ status }) => status === 400);
        expect(losers).to.have.length(AT_ONCE - 1);
        await pair.advance('30s');
      }
    } finally {
      await pair.stop();
    }
  });
});
