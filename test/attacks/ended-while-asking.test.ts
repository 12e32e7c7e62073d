// An account or a key that ends between the assertion and its token: refused as ever, and recorded.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  assertionOf,
  createMachine,
  type Machine,
  OPAQUE_API,
  present,
  WITH_RESOURCES,
  withoutTrace,
} from '../support/machine.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('what ends after the assertion is spent, and before its token is there', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_RESOURCES });
  });
  after(() => gatehouse.stop());

  /** Runs `end` after the first unit of the request, which spends the assertion. */
  const endedMeanwhile = async (machine: Machine, end: () => Promise<void>) => {
    const { core, url } = gatehouse;
    const { commit } = core.store;
    let units = 0;
    const commitLater: typeof commit = async (unit) => {
      units += 1;
      if (units !== 2) return commit(unit);
      Object.assign(core.store, { commit });
      await end();
      return commit(unit);
    };
    Object.assign(core.store, { commit: commitLater });
    try {
      return await present(url, assertionOf(machine, url));
    } finally {
      Object.assign(core.store, { commit });
    }
  };

  const ENDS: Readonly<Record<string, (machine: Machine) => Promise<void>>> = {
    'the account, disabled': ({ id }) => gatehouse.core.serviceAccounts.disable(id),
    'the account, deleted': ({ id }) => gatehouse.core.serviceAccounts.delete(id),
    'the account, disabled for a moment': async ({ id }) => {
      await gatehouse.core.serviceAccounts.disable(id);
      await gatehouse.core.serviceAccounts.enable(id);
    },
    'what it may have': ({ id }) => gatehouse.core.serviceAccounts.update(id, { scopes: ['read'] }),
    'its networks': ({ id }) =>
      gatehouse.core.serviceAccounts.update(id, { addresses: ['192.0.2.0/24'] }),
    'its codes': async ({ id }) => {
      await gatehouse.core.serviceAccounts.resetTotp(id);
    },
    'the key': ({ id, kid }) => gatehouse.core.serviceAccounts.revokeKey(id, kid),
  };
  for (const [what, end] of Object.entries(ENDS)) {
    for (const resources of [undefined, [OPAQUE_API]]) {
      it(`${what}${resources ? ', for an opaque token' : ''}`, async () => {
        const machine = await createMachine(gatehouse, resources ? { resources } : {});
        const answer = await endedMeanwhile(machine, () => end(machine));
        const unknown = await present(gatehouse.url, 'x.y.z');
        expect(withoutTrace(answer), 'reads like any refusal').to.deep.equal(withoutTrace(unknown));
        const rows = await auditRows(gatehouse, { kind: 'service_account.token' });
        const own = rows.filter(({ trace }) => trace === answer.body.trace);
        expect(own.map(({ outcome }) => outcome)).to.deep.equal(['refused']);
        expect(own[0]).to.include({
          accountId: machine.id,
          reason: 'account or key ended or changed meanwhile',
        });
        expect(own[0]?.detail).to.deep.equal({ kid: machine.kid });
      });
    }
  }
});
