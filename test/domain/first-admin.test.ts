// The first administrator, when many first starts happen at once, and when there has been one.
import { expect } from 'chai';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ensureFirstAdmin } from '../../src/first-admin.ts';
import { environment } from '../support/gatehouse.ts';
import { lastMailTo, mailsTo } from '../support/mailbox.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';

const ADMIN = 'admin@example.com';

onBothStores('the first administrator', (kind) => {
  let database: TestDatabase;
  let cores: Core[];

  beforeEach(async () => {
    database = await kind.create();
    const config = { ...loadConfig(environment(database, 3000)), admin: { email: ADMIN } };
    cores = [await openCore(config), await openCore(config)];
  });
  afterEach(async () => {
    for (const core of cores) await core.close();
    database.remove();
  });

  const start = (times: number) =>
    Promise.all(
      Array.from({ length: times }, (_, index) => ensureFirstAdmin(cores[index % 2] as Core)),
    );

  it('is made once of twenty, with one link', async () => {
    const made = (await start(20)).filter((each) => each !== undefined);
    expect(made).to.have.length(1);
    expect(made[0]).to.include({ email: ADMIN });
    expect(made[0]?.link).to.match(/\/reset-password\/[\w-]{43}$/);
    const account = await cores[0]?.accounts.get(ADMIN);
    expect(account).to.include({ role: 'admin', passwordHash: undefined });
    expect((await start(2)).filter(Boolean)).to.deep.equal([]);
  });

  it('is mailed its link where it is not shown, and has none where it is neither', async () => {
    const [core] = cores as [Core];
    expect(await ensureFirstAdmin(core, 'mail')).to.deep.equal({ email: ADMIN, link: undefined });
    const { text } = await lastMailTo({ core, database }, ADMIN);
    expect(text)
      .to.match(/\/reset-password\/[\w-]{43}$/m)
      .and.include('first administrator');
    const other = await kind.create();
    const config = { ...loadConfig(environment(other, 3000)), admin: { email: ADMIN } };
    const quiet = await openCore(config);
    expect((await ensureFirstAdmin(quiet, 'none'))?.link).to.equal(undefined);
    expect(await mailsTo({ core: quiet, database: other }, ADMIN)).to.deep.equal([]);
    const account = await quiet.accounts.get(ADMIN);
    const act = await quiet.operations.resetPassword(account, {
      actor: 'cli:test',
      reason: 'first',
    });
    expect(act.link).to.match(/\/reset-password\//);
    await quiet.close();
    other.remove();
  });

  it('is not made again after it was deleted, nor in the place of an account', async () => {
    const [core] = cores as [Core];
    await core.accounts.create({ email: ADMIN });
    expect(await ensureFirstAdmin(core)).to.equal(undefined);
    const account = await core.accounts.get(ADMIN);
    expect(account.role).to.equal('user');
    await core.operations.delete(account, { actor: 'cli:test', reason: 'a test' });
    expect(await ensureFirstAdmin(core)).to.equal(undefined);
  });

  it('is made by the next start when the link of the first one could not be written', async () => {
    const [core] = cores as [Core];
    const links: Core['links'] = {
      ...core.links,
      create: () => {
        throw new Error('no link');
      },
    };
    const failed = await ensureFirstAdmin({ ...core, links }).catch((error: Error) => error);
    expect(failed).to.be.an.instanceOf(Error);
    expect((await ensureFirstAdmin(core))?.link).to.match(/\/reset-password\/[\w-]{43}$/);
  });
});
