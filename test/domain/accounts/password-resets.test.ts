// Asking for a link is the same work whoever has the address, and its use is decided at the write.
import { expect } from 'chai';
import { loadConfig } from '../../../src/config/load.ts';
import { createOneTimeLinks } from '../../../src/domain/accounts/links.ts';
import { createPasswordResets } from '../../../src/domain/accounts/password-resets.ts';
import { createAudit } from '../../../src/domain/audit/audit.ts';
import { createLimits } from '../../../src/domain/limits/limits.ts';
import { createMails } from '../../../src/domain/notices/mails.ts';
import { createLog } from '../../../src/lib/log.ts';
import { createVault } from '../../../src/lib/vault.ts';
import { createAccountTable } from '../../../src/store/accounts.ts';
import { createAuditEventTable } from '../../../src/store/audit.ts';
import { createAuditCountTable } from '../../../src/store/audit-counts.ts';
import { createCounterTable } from '../../../src/store/limits.ts';
import { createLinkTable } from '../../../src/store/links.ts';
import { createOutboxTable } from '../../../src/store/outbox.ts';
import type { Statement } from '../../../src/store/statement.ts';
import type { Store } from '../../../src/store/store.ts';
import { environment, type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';
import { onBothStores } from '../../support/stores.ts';
import { NEW_PASSWORD } from '../../support/weak-person.ts';

const statementsIn = (work: readonly unknown[]) => work.map((each) => [each].flat()[0]);

onBothStores('password resets', (kind) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store: kind });
  });
  after(() => gatehouse.stop());

  /** What is asked of the database, in its order, with the sizes of all values. */
  const workFor = async (email: string) => {
    const asked: unknown[] = [];
    const note = ({ sql, bindings }: Statement) =>
      asked.push([sql, bindings.map((value) => String(value).length)]);
    const { store: real } = gatehouse.core;
    const store: Store = {
      ...real,
      find: (statement) => {
        note(statement);
        return real.find(statement);
      },
      all: (statement) => {
        note(statement);
        return real.all(statement);
      },
      commit: (unit) => {
        asked.push('commit');
        unit.forEach(note);
        return real.commit(unit);
      },
    };
    await resetsOn(store).ask(email, '192.0.2.1');
    return asked;
  };

  const resetsOn = (store: Store) => {
    const config = loadConfig(environment(gatehouse.database, 3000));
    const vault = createVault('a-master-key-of-more-than-32-characters');
    const limits = createLimits({
      config: config.limits,
      store,
      counterTable: createCounterTable(store),
      knownBrowsers: {} as never,
      vault,
    });
    return createPasswordResets({
      store,
      limits,
      accountTable: createAccountTable(store),
      links: createOneTimeLinks({ config, store, linkTable: createLinkTable(store), vault }),
      mails: createMails({ outboxTable: createOutboxTable(store), vault }),
      audit: createAudit({
        store,
        auditEventTable: createAuditEventTable(store),
        auditCountTable: createAuditCountTable(store),
        log: createLog('silent'),
      }),
      ...({} as { [name in 'sessions' | 'knownBrowsers' | 'trustedDevices']: never }),
      ...({} as { [name in 'notices' | 'hashing' | 'passwords']: never }),
    });
  };

  it('is void where the account is suspended while its new password is hashed', async () => {
    const { store, accounts, passwords, limits, knownBrowsers } = gatehouse.core;
    const { id } = await accounts.create({ email: 'late@example.com' });
    const config = loadConfig(environment(gatehouse.database, 3000));
    const vault = createVault('a-master-key-of-more-than-32-characters');
    const links = createOneTimeLinks({ config, store, linkTable: createLinkTable(store), vault });
    const { unit, url } = links.create({ id, generation: 1 }, 'invitation', 'a test');
    await store.write(...unit);
    const ticket = (await links.spend(url.split('/').at(-1) ?? '')) ?? '';
    const nothing = { sql: 'select 1', bindings: [] };
    const row = store.sql('accounts').where({ id });
    const resets = createPasswordResets({
      store,
      links,
      passwords,
      limits,
      knownBrowsers,
      accountTable: createAccountTable(store),
      sessions: { endOthers: async () => [] } as never,
      trustedDevices: { forgetAll: () => nothing } as never,
      audit: { record: () => nothing } as never,
      notices: { noticeFor: () => nothing } as never,
      mails: {} as never,
      hashing: {
        verify: async () => 'wrong',
        hash: async () => {
          await store.write(store.compile(row.update({ status: 'suspended' }), 1));
          return 'a hash';
        },
      },
    });
    expect(await resets.choose(ticket, NEW_PASSWORD)).to.deep.equal({ kind: 'void' });
    expect(await accounts.get(id)).to.include({ generation: 1, passwordHash: undefined });
  });

  it('asks the database the same for known, unknown and suspended addresses', async () => {
    const { store, accounts } = gatehouse.core;
    const known = await accounts.create({ email: 'known@example.com' });
    const suspended = await accounts.create({ email: 'ended@example.com' });
    const row = store.sql('accounts').where({ id: suspended.id });
    await store.write(store.compile(row.update({ status: 'suspended' }), 1));
    const work = await workFor(known.email);
    expect(work.filter((each) => each === 'commit')).to.have.length(2);
    expect(JSON.stringify(work)).to.include('one_time_links').and.to.include('outbox');
    // As long as the others: sizes are compared, too.
    expect(await workFor('nobod@example.com')).to.deep.equal(work);
    expect(await workFor(suspended.email)).to.deep.equal(work);
    const asked = store.sql('one_time_links').where({ created_by: 'visitor' });
    const links = await store.all(store.compile(asked));
    expect(links.map(({ account_id: id }) => id)).to.deep.equal([known.id]);
  });

  it('and the same again where a limit is reached, and where it refuses', async () => {
    const { accounts } = gatehouse.core;
    const { email } = await accounts.create({ email: 'often@example.com' });
    for (let time = 1; time <= 4; time += 1) {
      const work = statementsIn(await workFor(email));
      expect(statementsIn(await workFor('never@example.com')), `${time}`).to.deep.equal(work);
      expect(JSON.stringify(work).includes('audit_events'), `${time}`).to.equal(time >= 3);
    }
  });
});
