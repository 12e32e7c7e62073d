// Service accounts as they are made and ended: each act one unit, one row of the audit, no secret kept.
import { expect } from 'chai';
import { exportJWK, importPKCS8 } from 'jose';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadMasterKey } from '../../src/domain/keys/master-key.ts';
import { createAuthenticators } from '../../src/factors/totp/authenticators.ts';
import { createAuthenticatorTable } from '../../src/factors/totp/table.ts';
import { now } from '../../src/lib/clock.ts';
import { isGatehouseError } from '../../src/lib/errors.ts';
import { createVault } from '../../src/lib/vault.ts';
import { LIVE_KEYS_AT_MOST } from '../../src/service-accounts/key-operations.ts';
import { createServiceAccountTable } from '../../src/service-accounts/table.ts';
import { createArtifactTable } from '../../src/store/artifacts.ts';
import type { Row } from '../../src/store/statement.ts';
import { auditRows, auditText, said } from '../support/audit.ts';
import { fromBase32 } from '../support/authenticator-app.ts';
import { advanceClock, environment, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onBothStores } from '../support/stores.ts';

const DAY = 86_400_000;
const MACHINE = { address: '192.0.2.1', userAgent: 'curl', browser: undefined, devices: new Map() };
const ROUNDS = 8;

onBothStores('service accounts', (store) => {
  let gatehouse: Gatehouse;
  /** Another operator at the same database, with connections of their own. */
  let other: Core;
  before(async () => {
    gatehouse = await startGatehouse({ store });
    const { database, core } = gatehouse;
    other = await openCore(loadConfig(environment(database, core.config.port)));
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(async () => {
    await other.close();
    await gatehouse.stop();
  });

  const domain = () => gatehouse.core.serviceAccounts;
  const create = (more: Partial<Parameters<Core['serviceAccounts']['create']>[0]> = {}) =>
    domain().create({ name: 'Deployments', alg: 'ES256', ...more });
  const rowsOf = (table: string, where: Row) => {
    const { store: database } = gatehouse.core;
    return database.all(database.compile(database.sql(table).where(where)));
  };
  const code = async (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      (error: unknown) => {
        if (isGatehouseError(error)) return error.code;
        throw error;
      },
    );
  const why = async (work: Promise<unknown>) => {
    const error = await work.catch((caught: unknown) => caught);
    expect(isGatehouseError(error, 'invalid_input'), String(error)).to.equal(true);
    return (error as Error).message;
  };
  const events = async (accountId: string) => auditRows(gatehouse, { accountId });

  /** As the token endpoint leaves it where the resource wants opaque tokens. */
  const giveToken = async (clientId: string, key = `${clientId}-token`) => {
    const { store: database } = gatehouse.core;
    const token = {
      model: 'ClientCredentials',
      key,
      clientId,
      payload: {},
      expiresAt: now() + DAY,
    };
    await database.write(createArtifactTable(database).put(token, now()));
  };
  const tokensOf = (clientId: string) => rowsOf('oidc_artifacts', { client_id: clientId });

  describe('create', () => {
    it('makes an account with one key, and nothing that it may not do without', async () => {
      const { account, key, privateKey, totp } = await domain().create({ name: '  Backups ' });
      expect(account.id).to.match(/^sa_[\w-]{22}$/);
      expect(account).to.deep.include({
        name: 'Backups',
        status: 'active',
        scopes: [],
        resources: [`${gatehouse.url}/api`],
        addresses: [],
      });
      expect(totp).to.equal(undefined);
      expect(key).to.include({ accountId: account.id, alg: 'RS256', expiresAt: undefined });
      const { n, e } = await exportJWK(await importPKCS8(privateKey ?? '', 'RS256', EXTRACTABLE));
      expect(key.jwk).to.deep.equal({ kty: 'RSA', n, e });
      expect(await domain().get(account.id)).to.deep.equal(account);
      expect(await domain().keysOf(account.id)).to.deep.equal([key]);
      expect(await domain().hasTotp(account.id)).to.equal(false);
    });

    it('keeps neither the private key nor the secret of its codes', async () => {
      const { account, privateKey = '', totp } = await create({ alg: 'RS256', totp: true });
      const secret = totp?.secret ?? '';
      const { d, p, q } = await exportJWK(await importPKCS8(privateKey, 'RS256', EXTRACTABLE));
      const tables = ['service_accounts', 'service_account_keys', 'service_account_authenticators'];
      const rows = await Promise.all(tables.map((table) => rowsOf(table, {})));
      const text = JSON.stringify(rows) + (await auditText(gatehouse));
      expect(text).to.include(account.id);
      const raw = fromBase32(secret);
      for (const kept of [
        ...[
          d,
          p,
          q,
          secret,
          raw.toString('hex'),
          raw.toString('base64url'),
          raw.toString('base64'),
        ],
        ...privateKey.split('\n').filter((line) => line.length > 20 && !line.startsWith('---')),
      ]) {
        expect(text).not.to.include(kept as string);
      }
      const [{ jwk } = {}] = await rowsOf('service_account_keys', { account_id: account.id });
      expect(JSON.parse(jwk as string)).to.have.all.keys(['kty', 'n', 'e']);
    });

    it('gives 160 random bits to its authenticator, sealed for it alone', async () => {
      const [one, two] = [await create({ totp: true }), await create({ totp: true })];
      expect(one.totp?.secret)
        .to.match(/^[A-Z2-7]{32}$/)
        .and.not.to.equal(two.totp?.secret);
      expect(one.totp?.uri).to.equal(
        `otpauth://totp/Gatehouse:Deployments?secret=${one.totp?.secret}` +
          '&issuer=Gatehouse&algorithm=SHA1&digits=6&period=30',
      );
      expect(await domain().hasTotp(one.account.id)).to.equal(true);
      const { store: database, config } = gatehouse.core;
      const table = createAuthenticatorTable(database, 'service_account_authenticators');
      const sealed = createAuthenticators(table, createVault(loadMasterKey(config)));
      const [authenticator] = await sealed.ofAccount(one.account.id);
      if (!authenticator) throw new Error('it has none');
      expect(authenticator).to.include({ name: 'Deployments', lastStep: 0, usedAt: undefined });
      expect(sealed.findSecret(authenticator)).to.equal(one.totp?.secret);
      const moved = { ...authenticator, accountId: two.account.id };
      expect(sealed.findSecret(moved)).to.equal(undefined);
    });

    it('takes a public key, and then holds no private one', async () => {
      const { key } = await create();
      const made = await create({ publicJwk: key.jwk, alg: undefined });
      expect(made.privateKey).to.equal(undefined);
      expect(made.key).to.deep.include({ kid: key.kid, jwk: key.jwk, accountId: made.account.id });
    });

    it('refuses names that nobody could read', async () => {
      expect(await why(create({ name: ' ' }))).to.equal('A service account needs a name.');
      for (const name of ['a\nb', 'a\u0000', 'a\u202Eb', 'x'.repeat(101)]) {
        expect(await why(create({ name }))).to.match(/^A name has 100 characters at most/);
      }
      expect((await create({ name: 'Größe: 日本 & <b>' })).account.name).to.equal(
        'Größe: 日本 & <b>',
      );
    });

    it('refuses keys that would never have counted', async () => {
      expect(await why(create({ expiresAt: now() }))).to.match(/have expired already/);
      expect(await why(create({ expiresAt: Number.NaN }))).to.match(/Invalid expiry time/);
    });

    it('refuses keys that outlive what a time can be', async () => {
      const afterAll = Date.parse('9999-12-31T23:59:59.999Z') + 1;
      for (const expiresAt of [afterAll, 8_640_000_000_000_001, Number.MAX_SAFE_INTEGER]) {
        expect(await why(create({ expiresAt }))).to.match(/Invalid expiry time/);
      }
      const last = await create({ expiresAt: afterAll - 1 });
      expect(last.key.expiresAt).to.equal(afterAll - 1);
    });

    it('leaves nothing behind when it refuses', async () => {
      const before = [await rowsOf('service_accounts', {}), await auditText(gatehouse)];
      await why(create({ publicJwk: { kty: 'oct' } }));
      await why(create({ scopes: ['openid'] }));
      await why(create({ resources: ['https://unknown.example.com/'] }));
      await why(create({ addresses: ['nowhere'] }));
      expect([await rowsOf('service_accounts', {}), await auditText(gatehouse)]).to.deep.equal(
        before,
      );
    });

    it('is recorded with its key, and with a reason where there is one', async () => {
      const cause = { reason: 'nightly backups', ticket: 'OPS-1' };
      const { account, key } = await domain().create({ name: 'B', alg: 'EdDSA' }, cause);
      const [row, ...more] = await events(account.id);
      expect(more).to.deep.equal([]);
      expect(row).to.deep.include({
        kind: 'admin.service_account_created',
        outcome: 'ok',
        accountId: account.id,
        reason: 'nightly backups',
        detail: { name: 'B', kid: key.kid, alg: 'EdDSA', totp: false, ticket: 'OPS-1' },
      });
    });
  });

  it('are found by id alone, whatever is asked for', async () => {
    const { account } = await create();
    for (const id of ['', 'sa_', 'sa_unknown', "sa_' or '1'='1", 'sa_\u0000', `${account.id}x`]) {
      expect(await domain().find(id), id).to.equal(undefined);
      expect(await code(domain().get(id)), id).to.equal('unknown_service_account');
      expect(await code(domain().disable(id)), id).to.equal('unknown_service_account');
      expect(await code(domain().keysOf(id)), id).to.equal('unknown_service_account');
    }
    expect(await gatehouse.core.accounts.find(account.id)).to.equal(undefined);
    const all = [];
    for await (const { id } of domain().list()) all.push(id);
    expect(all).to.include(account.id);
    expect(all.toSorted()).to.deep.equal(all);
  });

  describe('keys', () => {
    it('come and go beside each other', async () => {
      const { account, key } = await create();
      const added = await domain().addKey(account.id, { alg: 'EdDSA', expiresAt: now() + DAY });
      await domain().revokeKey(account.id, key.kid, { reason: 'old' });
      const keys = await domain().keysOf(account.id);
      expect(keys).to.have.length(2);
      // Made within one millisecond, they come in any order.
      const revoked = keys.find(({ kid }) => kid === key.kid);
      expect(revoked).to.have.property('revokedAt').that.is.a('number');
      expect(keys).to.deep.include(added.key);
      const rows = (await events(account.id)).slice(1);
      expect(said(rows)).to.deep.equal([
        'admin.service_account_key_added ok',
        'admin.service_account_key_revoked ok: old',
      ]);
      expect(rows.map(({ detail }) => detail.kid)).to.deep.equal([added.key.kid, key.kid]);
    });

    it('never come back, not even by another name', async () => {
      const { account, key } = await create();
      const again = { publicJwk: { ...key.jwk, kid: 'another' } };
      expect(await code(domain().addKey(account.id, again))).to.equal('already_exists');
      await domain().revokeKey(account.id, key.kid);
      expect(await code(domain().addKey(account.id, again))).to.equal('already_exists');
      expect(await why(domain().revokeKey(account.id, key.kid))).to.equal(
        'The key is revoked already.',
      );
      expect(await events(account.id)).to.have.length(2);
    });

    it('of another account are not there', async () => {
      const [one, two] = [await create(), await create()];
      expect(await why(domain().revokeKey(one.account.id, two.key.kid))).to.equal(
        `The service account has no key "${two.key.kid}".`,
      );
      const { store: database } = gatehouse.core;
      const table = createServiceAccountTable(database);
      expect(await table.findKey(one.account.id, two.key.kid)).to.equal(undefined);
      const use = table.useKey(one.account.id, two.key.kid, now());
      expect((await database.commit([use])).kind).to.equal('conflict');
    });

    it('are few: those that expired or were revoked do not count', async () => {
      const { account } = await create({ expiresAt: now() + DAY });
      const add = () => domain().addKey(account.id, { alg: 'EdDSA' });
      while ((await domain().keysOf(account.id)).length < LIVE_KEYS_AT_MOST) await add();
      const full =
        'The service account has 10 keys that count: revoke one that is not used any more.';
      expect(await why(add())).to.equal(full);
      const keys = await domain().keysOf(account.id);
      const lasting = keys.find(({ expiresAt }) => expiresAt === undefined);
      await domain().revokeKey(account.id, lasting?.kid ?? '');
      await add();
      expect(await why(add())).to.equal(full);
      await gatehouse.advance('25h');
      await add();
      expect(await why(add())).to.equal(full);
    });

    it('that expire soon are named, as long as anybody would miss them', async () => {
      const soon = async () => {
        const keys = await domain().keysExpiringWithin(14 * DAY);
        return keys.map(({ accountId }) => accountId);
      };
      const expiring = { expiresAt: now() + 13 * DAY };
      const [later, revoked, disabled, never, missed] = [
        await create({ expiresAt: now() + 15 * DAY }),
        await create(expiring),
        await create(expiring),
        await create(),
        await create(expiring),
      ];
      await domain().revokeKey(revoked.account.id, revoked.key.kid);
      await domain().disable(disabled.account.id);
      expect(await soon())
        .to.include(missed.account.id)
        .and.not.to.include.members([later.account.id])
        .and.not.to.include.members([revoked.account.id])
        .and.not.to.include.members([disabled.account.id])
        .and.not.to.include.members([never.account.id]);
      await gatehouse.advance('13d');
      await gatehouse.advance('1s');
      expect(await soon())
        .to.include(later.account.id)
        .and.not.to.include(missed.account.id);
    });
  });

  describe('its opaque tokens', () => {
    it('end when a key is revoked, when it is disabled, and when it is deleted', async () => {
      const [{ account, key }, neighbour] = [await create(), await create()];
      await giveToken(neighbour.account.id);
      for (const act of [
        () => domain().revokeKey(account.id, key.kid),
        () => domain().disable(account.id),
        () => domain().delete(account.id),
      ]) {
        await giveToken(account.id);
        await act();
        expect(await tokensOf(account.id)).to.deep.equal([]);
      }
      expect(await tokensOf(neighbour.account.id)).to.have.length(1);
    });

    it('stay when what should have ended them did not happen', async () => {
      const { account, key } = await create();
      await domain().revokeKey(account.id, key.kid);
      await domain().disable(account.id);
      await giveToken(account.id);
      await why(domain().revokeKey(account.id, key.kid));
      await why(domain().disable(account.id));
      expect(await tokensOf(account.id)).to.have.length(1);
    });

    it('of people who use an application of the same id are another matter', async () => {
      const { account } = await create();
      const { store: database } = gatehouse.core;
      const person = await gatehouse.core.accounts.create({ email: `${account.id}@example.com` });
      const of = { accountId: person.id, clientId: account.id, generation: 1 };
      const token = { ...of, model: 'AccessToken', key: account.id, payload: {}, expiresAt: now() };
      await database.write(createArtifactTable(database).put(token, now()));
      await domain().disable(account.id);
      expect(await tokensOf(account.id)).to.have.length(1);
    });
  });

  it('are disabled, and enabled as they were', async () => {
    const { account, key } = await create({ totp: true });
    const { store: database } = gatehouse.core;
    const table = createServiceAccountTable(database);
    const use = async () => {
      const current = await domain().get(account.id);
      const unit = [table.guard(current), table.useKey(account.id, key.kid, now())];
      return (await database.commit(unit)).kind;
    };
    expect(await use()).to.equal('committed');
    await domain().disable(account.id, { reason: 'suspicious' });
    expect(await domain().get(account.id)).to.include({ status: 'disabled' });
    expect(await use()).to.equal('conflict');
    await domain().enable(account.id);
    expect(await use()).to.equal('committed');
    expect(await domain().hasTotp(account.id)).to.equal(true);
    expect(await why(domain().enable(account.id))).to.match(/enabled already/);
    expect(said((await events(account.id)).slice(1))).to.deep.equal([
      'admin.service_account_disabled ok: suspicious',
      'admin.service_account_enabled ok',
    ]);
  });

  it('are deleted with everything but what was recorded', async () => {
    const { account } = await create({ totp: true });
    await domain().delete(account.id);
    expect(await domain().find(account.id)).to.equal(undefined);
    for (const table of ['service_account_keys', 'service_account_authenticators']) {
      expect(await rowsOf(table, { account_id: account.id })).to.deep.equal([]);
    }
    const rows = await events(account.id);
    expect(said(rows).at(-1)).to.equal('admin.service_account_deleted ok');
    expect(rows.at(-1)?.detail).to.deep.equal({ name: 'Deployments' });
    expect(await code(domain().delete(account.id))).to.equal('unknown_service_account');
  });

  describe('their codes', () => {
    it('come from one secret, the newest', async () => {
      const { account, totp } = await create({ totp: true });
      const { secret, uri } = await domain().resetTotp(account.id);
      expect(secret)
        .to.match(/^[A-Z2-7]{32}$/)
        .and.not.to.equal(totp?.secret);
      expect(uri).to.include(secret);
      const rows = await rowsOf('service_account_authenticators', { account_id: account.id });
      expect(rows).to.have.length(1);
      expect(said(await events(account.id)).at(-1)).to.equal('admin.service_account_totp_reset ok');
      expect(await auditText(gatehouse)).not.to.include(secret);
    });

    it('are wanted from now on of one that had none', async () => {
      const { account } = await create();
      await domain().resetTotp(account.id);
      expect(await domain().hasTotp(account.id)).to.equal(true);
    });

    const closedOf = async (id: string) =>
      (await gatehouse.core.limits.findClosed({ id })).map(({ rule }) => rule);
    const sayWrong = async (id: string, times: number) => {
      for (let round = 0; round < times; round += 1) {
        const reserved = await gatehouse.core.limits.reserveCode(id, false, MACHINE);
        if (reserved.kind === 'reserved') await reserved.consume();
      }
    };

    it('are forgotten, however many were wrong, by unlock and by a new secret', async () => {
      const [{ account }, neighbour] = [await create({ totp: true }), await create({ totp: true })];
      for (const open of [
        () => domain().unlock(account.id),
        () => domain().resetTotp(account.id),
      ]) {
        for (let round = 0; round < 10; round += 1) {
          await sayWrong(account.id, 10);
          await gatehouse.advance('1d');
        }
        await sayWrong(neighbour.account.id, 10);
        expect(await closedOf(account.id)).to.deep.equal(['codes-in-a-row']);
        await domain().disable(account.id);
        await domain().enable(account.id);
        expect(await closedOf(account.id), 'enabling opens nothing').to.have.length(1);
        await open();
        expect(await closedOf(account.id)).to.deep.equal([]);
        expect(await closedOf(neighbour.account.id)).to.deep.equal(['codes']);
      }
      expect(said(await events(account.id))).to.include('admin.service_account_unlocked ok');
    });
  });

  describe('two operators at once', () => {
    /** Both start together, each on connections of their own. */
    const race = async (work: (core: Core, index: number) => Promise<unknown>) => {
      const both = [gatehouse.core, other].map((core, index) => code(work(core, index)));
      return (await Promise.all(both)).toSorted();
    };

    it('add two keys, or one of them where there is room for one', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { account } = await create({ alg: 'EdDSA' });
        const add = ({ serviceAccounts }: Core) =>
          serviceAccounts.addKey(account.id, { alg: 'EdDSA' });
        while ((await domain().keysOf(account.id)).length < LIVE_KEYS_AT_MOST - 1) {
          expect(await race(add)).to.deep.equal(['done', 'done']);
        }
        expect(await race(add)).to.deep.equal(['done', 'invalid_input']);
      }
    });

    it('leave one row for one revocation, and never two', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { account, key } = await create({ alg: 'EdDSA' });
        const results = await race((core) => core.serviceAccounts.revokeKey(account.id, key.kid));
        expect(results).to.include('done').and.to.satisfy(someoneLost);
        expect(await events(account.id)).to.have.length(2);
      }
    });

    it('disable or delete it once', async () => {
      for (const act of ['disable', 'delete'] as const) {
        for (let round = 0; round < ROUNDS; round += 1) {
          const { account } = await create({ alg: 'EdDSA' });
          const results = await race((core) => core.serviceAccounts[act](account.id));
          expect(results).to.include('done').and.to.satisfy(someoneLost);
          expect(await events(account.id)).to.have.length(2);
        }
      }
    });

    it('change what it may: each change was written, or its maker is told', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { account } = await create({ alg: 'EdDSA' });
        const lists = [['192.0.2.0/24'], ['198.51.100.0/24']];
        const results = await race(({ serviceAccounts }, index) =>
          serviceAccounts.update(account.id, { addresses: lists[index % 2] ?? [] }),
        );
        expect(results).to.include('done');
        const written = (await events(account.id)).length - 1;
        expect(written).to.equal((await domain().get(account.id)).generation);
      }
    });

    it('make two secrets for codes, of which one counts', async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { account } = await create({ alg: 'EdDSA', totp: true });
        await race((core) => core.serviceAccounts.resetTotp(account.id));
        const rows = await rowsOf('service_account_authenticators', { account_id: account.id });
        expect(rows).to.have.length(1);
      }
    });

    it('leave no token behind that was being issued when it was disabled or lost its key', async () => {
      for (let round = 0; round < ROUNDS * 2; round += 1) {
        const { account, key } = await create({ alg: 'EdDSA' });
        const issue = async ({ store: database }: Core) => {
          const table = createServiceAccountTable(database);
          const token = { model: 'ClientCredentials', key: account.id, clientId: account.id };
          const row = { ...token, payload: {}, expiresAt: now() + DAY };
          await database.write(
            table.guard(account),
            table.useKey(account.id, key.kid, now()),
            createArtifactTable(database).put(row, now()),
          );
        };
        const end = ({ serviceAccounts }: Core) =>
          round % 2 === 0
            ? serviceAccounts.disable(account.id)
            : serviceAccounts.revokeKey(account.id, key.kid);
        await race((core, index) => (index === 0 ? issue(core) : end(core)));
        expect(await tokensOf(account.id)).to.deep.equal([]);
      }
    });
  });
});

const EXTRACTABLE = { extractable: true };

const someoneLost = (results: readonly string[]) =>
  results.some((each) =>
    ['store_conflict', 'invalid_input', 'unknown_service_account'].includes(each),
  );
