// One assertion, one token: however often, on whatever node, and in whatever spelling it comes again.
import { expect } from 'chai';
import { sweep } from '../../src/store/sweep.ts';
import { auditRows, untilTold } from '../support/audit.ts';
import { startGatehouse } from '../support/gatehouse.ts';
import {
  assertionOf,
  claimsOf,
  compact,
  createMachine,
  type Machine,
  present,
  WITH_RESOURCES,
} from '../support/machine.ts';
import { type Pair, startPair } from '../support/pair.ts';
import type { Answer } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

const ROUNDS = 10;
const AT_ONCE = 20;
const REFUSED = { error: 'invalid_grant', error_description: 'grant request is invalid' };

function expectRefused({ status, body: { trace: _, ...body } }: Answer): void {
  expect(status).to.equal(400);
  expect(body).to.deep.equal(REFUSED);
}

onBothStores('an assertion that comes again', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, WITH_RESOURCES);
  });
  after(() => pair.stop());

  const rowsOf = async ({ id }: Machine) => auditRows(pair, { accountId: id });
  const urlOf = (index: number) => pair.processes[index % 2]?.url ?? '';

  it('is refused on the same node and on the other one, and the audit says so', async () => {
    const machine = await createMachine(pair);
    const assertion = assertionOf(machine, pair.url);
    expect((await present(urlOf(0), assertion)).status).to.equal(200);
    for (const index of [0, 1, 0, 1]) expectRefused(await present(urlOf(index), assertion));
    const told = await untilTold(pair, { accountId: machine.id }, 5);
    const reasons = told.map(({ outcome, reason }) => reason ?? outcome);
    const again = 'assertion used before';
    expect(reasons).to.deep.equal(['ok', again, again, again, again]);
  });

  it(`brings one token of ${AT_ONCE} at once, ${ROUNDS} times`, async () => {
    const machine = await createMachine(pair);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const assertion = assertionOf(machine, pair.url);
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => present(urlOf(index), assertion)),
      );
      const winners = answers.filter(({ status }) => status === 200);
      expect(winners, `round ${round}`).to.have.length(1);
      for (const answer of answers) if (answer.status !== 200) expectRefused(answer);
    }
    const rows = await untilTold(pair, { accountId: machine.id }, ROUNDS * AT_ONCE);
    expect(rows.filter(({ outcome }) => outcome === 'ok')).to.have.length(ROUNDS);
    expect(rows).to.have.length(ROUNDS * AT_ONCE);
  });

  it('all of twenty different ones at once bring a token', async () => {
    const machine = await createMachine(pair);
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        present(urlOf(index), assertionOf(machine, pair.url)),
      ),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 200));
    const tokens = answers.map(({ body }) => body.access_token);
    expect(new Set(tokens).size).to.equal(AT_ONCE);
  });

  describe('in another spelling is the same', () => {
    const spellings: Readonly<Record<string, (machine: Machine, jti: string) => string>> = {
      'signed once more': (machine, jti) => assertionOf(machine, pair.url, { jti }),
      'with its header in another order': ({ ...machine }, jti) =>
        compact(machine, JSON.stringify(claimsOf(machine, pair.url, { jti })), {
          typ: 'jwt',
          kid: machine.kid,
          alg: machine.alg,
        }),
      'with its claims in another order': (machine, jti) => {
        const claims = Object.entries(claimsOf(machine, pair.url, { jti })).reverse();
        const header = { alg: machine.alg, kid: machine.kid };
        return compact(machine, JSON.stringify(Object.fromEntries(claims), undefined, 1), header);
      },
      'with its jti in escapes': (machine, jti) => {
        const escaped = [...jti].map(
          (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`,
        );
        const { jti: _, ...claims } = claimsOf(machine, pair.url);
        const payload = `{"jti":"${escaped.join('')}",${JSON.stringify(claims).slice(1)}`;
        return compact(machine, payload, { alg: machine.alg, kid: machine.kid });
      },
      'for the token endpoint instead of the issuer': (machine, jti) =>
        assertionOf(machine, `${pair.url}/token`, { jti }),
      'with a later end': (machine, jti) =>
        assertionOf(machine, pair.url, { jti, exp: Math.floor(Date.now() / 1000) + 200 }),
    };
    for (const [what, spell] of Object.entries(spellings)) {
      it(what, async () => {
        const machine = await createMachine(pair);
        expect((await present(urlOf(0), spell(machine, 'first'))).status).to.equal(200);
        const jti = 'the-one';
        expect((await present(urlOf(0), assertionOf(machine, pair.url, { jti }))).status).to.equal(
          200,
        );
        for (const index of [0, 1]) expectRefused(await present(urlOf(index), spell(machine, jti)));
      });
    }

    it('even by the other value that ECDSA lets anybody make of a signature', async () => {
      const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
      const machine = await createMachine(pair);
      const twin = (assertion: string) => {
        const [header, payload, signature = ''] = assertion.split('.');
        const bytes = Buffer.from(signature, 'base64url');
        const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
        const other = Buffer.from((order - s).toString(16).padStart(64, '0'), 'hex');
        const both = Buffer.concat([bytes.subarray(0, 32), other]).toString('base64url');
        return `${header}.${payload}.${both}`;
      };
      const right = twin(assertionOf(machine, pair.url));
      expect((await present(urlOf(0), right)).status, 'it does verify').to.equal(200);
      const assertion = assertionOf(machine, pair.url);
      expect((await present(urlOf(0), assertion)).status).to.equal(200);
      expectRefused(await present(urlOf(1), twin(assertion)));
    });
  });

  it('is nobody else’s: another account may use the same jti', async () => {
    const jti = 'shared';
    for (const machine of [await createMachine(pair), await createMachine(pair)]) {
      const assertion = assertionOf(machine, pair.url, { jti });
      expect((await present(urlOf(0), assertion)).status).to.equal(200);
    }
  });

  it('stays spent until nobody can show it any more', async () => {
    const machine = await createMachine(pair);
    const at = Math.floor(Date.now() / 1000);
    const assertion = assertionOf(machine, pair.url, { iat: at, exp: at + 300 });
    expect((await present(urlOf(0), assertion)).status).to.equal(200);
    await pair.advance('325s');
    await sweep(pair.core.store, Date.now());
    expectRefused(await present(urlOf(1), assertion));
    const [last] = (await rowsOf(machine)).slice(-1);
    expect(last?.reason).to.equal('assertion used before');
    await pair.advance('10s');
    expectRefused(await present(urlOf(1), assertion));
    const [late] = (await rowsOf(machine)).slice(-1);
    expect(late?.reason).to.equal('expired');
    await pair.advance('10m');
    await sweep(pair.core.store, Date.now());
    const { compile, sql, all } = pair.core.store;
    const kept = await all(compile(sql('oidc_artifacts').where({ model: 'Assertion' })));
    expect(kept, 'rows that nobody needs').to.deep.equal([]);
  });
});

onBothStores('an assertion that comes again after a restart', (store) => {
  it('is refused', async () => {
    const database = await store.createMigrated();
    const first = await startGatehouse({ database, env: WITH_RESOURCES });
    const machine = await createMachine(first);
    const assertion = assertionOf(machine, first.url);
    expect((await present(first.url, assertion)).status).to.equal(200);
    const port = Number(new URL(first.url).port);
    await first.pause();
    const second = await startGatehouse({ database, port, env: WITH_RESOURCES });
    try {
      expectRefused(await present(second.url, assertion));
      expect((await present(second.url, assertionOf(machine, second.url))).status).to.equal(200);
    } finally {
      await second.stop();
    }
  });
});
