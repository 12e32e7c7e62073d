// gatehouse account allow-addresses.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createPerson } from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { done, json, refused } from './helpers.ts';

onBothStores('gatehouse account allow-addresses', (store) => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  before(async () => {
    gatehouse = await startGatehouse({ store });
    options = { database: gatehouse.database };
  });
  after(() => gatehouse.stop());

  it('sets ranges, replaces them, and lifts them', async () => {
    const { email, id } = await createPerson(gatehouse);
    const allow = (...args: string[]) =>
      json<{ allowed_addresses?: string[] }>(['account', 'allow-addresses', ...args], options);
    const first = await allow(email, '192.0.2.9/24', '::1', '--reason', 'works from the office');
    expect(first.allowed_addresses).to.deep.equal(['192.0.2.0/24', '0:0:0:0:0:0:0:1/128']);
    expect(await json(['account', 'show', id], options)).to.deep.equal(first);
    expect(await done(['explain', email], options)).to.include(
      'Allowed networks: 192.0.2.0/24, 0:0:0:0:0:0:0:1/128.',
    );
    expect((await allow(id, '10.0.0.0/8')).allowed_addresses).to.deep.equal(['10.0.0.0/8']);
    expect(await allow(email, '--any')).not.to.have.any.keys('allowed_addresses');
    const kind = 'account.addresses_changed';
    const rows = await auditRows(gatehouse, { accountId: id, kind });
    expect(rows.map(({ detail, reason }) => [detail.ranges, reason])).to.deep.equal([
      [['192.0.2.0/24', '0:0:0:0:0:0:0:1/128'], 'works from the office'],
      [['10.0.0.0/8'], undefined],
      [[], undefined],
    ]);
    expect(rows[0]?.actor).to.match(/^cli:/);
  });

  it('refuses what is no range, and a command that says nothing or both', async () => {
    const { email } = await createPerson(gatehouse);
    const command = ['account', 'allow-addresses', email];
    expect(await refused([...command, '10.0.0.0/8', 'office'], options)).to.match(
      /^"office" is no address range/,
    );
    expect(await refused(command, options)).to.match(/^Name the allowed ranges/);
    expect(await refused([...command, '10.0.0.0/8', '--any'], options)).to.match(
      /^Name the allowed ranges/,
    );
    const shown = await json(['account', 'show', email], options);
    expect(shown).not.to.have.any.keys('allowed_addresses');
  });
});
