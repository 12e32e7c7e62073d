// What a token for a service account hangs on is away: then there is no token.
import { expect } from 'chai';
import { codeFor } from '../support/authenticator-app.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { assertionOf, createMachine, type Machine, present } from '../support/machine.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('service accounts', (store) => {
  let gatehouse: Gatehouse;
  let machine: Machine;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    const resources = [`${gatehouse.url}/api`];
    machine = await createMachine(gatehouse, { totp: true, scopes: [], resources });
  });
  after(() => gatehouse.stop());

  const ask = (mfa_code = codeFor(machine.secret ?? '')) =>
    present(gatehouse.url, assertionOf(machine, gatehouse.url), { fields: { mfa_code } });
  const without = async (table: string, work: () => Promise<void>) => {
    const { store: database } = gatehouse.core;
    const rename = (from: string, to: string) =>
      database.run(database.compile(database.sql.raw(`alter table ${from} rename to ${to}`)));
    await rename(table, 'elsewhere');
    try {
      await work();
    } finally {
      await rename('elsewhere', table);
    }
  };

  it('get nothing, and cannot guess, while nobody can count', async () => {
    await without('limit_counters', async () => {
      for (const code of ['000000', undefined]) {
        const { status, headers, body } = await ask(code);
        expect(status).to.equal(503);
        expect(Number(headers.get('retry-after'))).to.be.greaterThan(0);
        expect(JSON.stringify(body)).not.to.match(/limit_counters|no such table|relation/);
      }
    });
    expect((await ask()).status, 'the code was not spent').to.equal(200);
  });

  it('get nothing that the audit could not tell; a refusal stays what it is', async () => {
    await gatehouse.advance('30s');
    await without('audit_events', async () => {
      const refused = await present(gatehouse.url, 'nonsense');
      expect([refused.status, refused.body.error]).to.deep.equal([400, 'invalid_grant']);
      const { status, body } = await ask();
      expect(status).to.equal(503);
      expect(body).not.to.have.property('access_token');
    });
    await gatehouse.advance('30s');
    expect((await ask()).status).to.equal(200);
  });
});
