// Asking for a link is the same work whoever has the address: statement for statement.
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { createLimits } from '../../src/domain/limits/limits.ts';
import { createOneTimeLinks } from '../../src/domain/links.ts';
import { createMails } from '../../src/domain/mails.ts';
import { createPasswordResets } from '../../src/domain/password-resets.ts';
import { createVault } from '../../src/lib/vault.ts';
import { createAccounts } from '../../src/store/accounts.ts';
import { createCounters } from '../../src/store/limits.ts';
import { createLinks } from '../../src/store/links.ts';
import { createOutbox } from '../../src/store/outbox.ts';
import type { Statement } from '../../src/store/statement.ts';
import type { Store } from '../../src/store/store.ts';
import { environment, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onBothStores } from '../support/stores.ts';

onBothStores('asking for a reset link', (kind) => {
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
    const { store: real } = gatehouse.house;
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
    await resetsOn(store).ask(email);
    return asked;
  };

  const resetsOn = (store: Store) => {
    const config = loadConfig(environment(gatehouse.database, 3000));
    const vault = createVault('a-master-key-of-more-than-32-characters');
    const limits = createLimits({
      config: config.limits,
      store,
      counters: createCounters(store),
      knownBrowsers: {} as never,
      vault,
    });
    return createPasswordResets({
      store,
      limits,
      accounts: createAccounts(store),
      links: createOneTimeLinks({ config, store, links: createLinks(store), vault }),
      mails: createMails({ outbox: createOutbox(store), vault }),
      ...({} as { [name in 'sessions' | 'knownBrowsers' | 'trustedDevices']: never }),
      ...({} as { [name in 'notices' | 'audit' | 'hashing' | 'passwords']: never }),
    });
  };

  it('asks the database the same for known, unknown and suspended addresses', async () => {
    const { store, accounts } = gatehouse.house;
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
    const links = await store.all(store.compile(store.sql('one_time_links').select('account_id')));
    expect(links.map(({ account_id: id }) => id)).to.deep.equal([known.id]);
  });
});
