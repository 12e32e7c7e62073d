// gatehouse keys …, beside a server that runs on the same database.
import { userInfo } from 'node:os';
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { ALGS, createIssue, kidOf, kidsAt, withResources } from '../support/signing.ts';
import { onOneStoreExcept, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, refused, sentence } from './helpers.ts';

interface KeyJson {
  readonly kid: string;
  readonly alg: string;
  readonly state: string;
  readonly created_at: string;
  readonly signs_from: string;
  readonly signs_until: string | null;
  readonly retires_at: string | null;
}

const FIELDS = ['kid', 'alg', 'state', 'created_at', 'signs_from', 'signs_until', 'retires_at'];
const MINUTE = 60_000;

onOneStoreExcept(/two commands|at once/, 'gatehouse keys', (store) => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase; readonly env: Record<string, string> };
  beforeEach(async () => {
    const database = await store.createMigrated();
    options = { database, env: withResources(database) };
    gatehouse = await startGatehouse(options);
  });
  afterEach(() => gatehouse.stop());

  const list = () => json<KeyJson[]>(['keys', 'list'], options);
  const rotate = (...more: string[]) => json<KeyJson[]>(['keys', 'rotate', ...more], options);
  const kids = (keys: readonly KeyJson[]) => keys.map(({ kid }) => kid);
  const between = (from: string | null, to: string | null) =>
    Math.round((Date.parse(to ?? '') - Date.parse(from ?? '')) / MINUTE);

  it('list prints what the server publishes, and nothing of the private side', async () => {
    const keys = await list();
    for (const key of keys) expect(key).to.have.all.keys(FIELDS).and.include({ state: 'signing' });
    expect(kids(keys)).to.deep.equal(await kidsAt(gatehouse.url));
    expect(keys.map(({ alg }) => alg)).to.deep.equal(ALGS);
    const table = await done(['keys', 'list'], options);
    for (const { kid, alg } of keys) {
      expect(table).to.match(new RegExp(`^${kid} +${alg} +signing `, 'm'));
    }
  });

  it('makes the same keys only once when two commands come first', async () => {
    const database = await store.createMigrated();
    const first = () => json(['keys', 'list'], { database, apart: true });
    const both = await Promise.all([first(), first()]);
    expect(both[0]).to.deep.equal(both[1]).and.have.length(3);
    database.remove();
  });

  it('rotate makes a key of each algorithm, which waits until it is known', async () => {
    const before = await list();
    const made = await rotate();
    expect(made.map(({ alg }) => alg)).to.deep.equal(ALGS);
    for (const key of made) {
      expect(key).to.have.all.keys(FIELDS);
      expect(key).to.include({ state: 'waiting', signs_until: null, retires_at: null });
      expect(between(key.created_at, key.signs_from)).to.equal(15);
    }
    const after = await list();
    expect(kids(after)).to.have.members([...kids(before), ...kids(made)]);
    for (const key of after.filter(({ state }) => state === 'signing')) {
      expect(key.signs_until).to.equal(made.find(({ alg }) => alg === key.alg)?.signs_from);
      expect(between(key.signs_until, key.retires_at)).to.equal(62);
    }
    await gatehouse.core.renewKeys();
    expect(await kidsAt(gatehouse.url)).to.have.members(kids(after));
  });

  it('says in words what is going to happen', async () => {
    const said = await done(['keys', 'rotate'], options);
    expect(said).to.match(/waiting/);
    expect(said.trim().split('\n').at(-1)).to.equal(
      'The old keys sign until then, and stay published until everything they signed has expired.',
    );
    expect(await done(['keys', 'rotate', '--compromised'], options)).to.include('is invalid.');
  });

  it('rotate --alg makes that one alone', async () => {
    const made = await rotate('--alg', 'ES256');
    expect(made.map(({ alg }) => alg)).to.deep.equal(['ES256']);
    expect(await list()).to.have.length(4);
    expect((await rotate('--alg', 'EdDSA')).map(({ alg }) => alg)).to.deep.equal(['EdDSA']);
    await misused(['keys', 'rotate', '--alg', 'HS256'], options);
    await misused(['keys', 'rotate', '--now', '--compromised'], options);
  });

  it('a second rotate is refused while a key waits, and makes no key of another kind', async () => {
    const [key] = await rotate('--alg', 'RS256');
    const said = await refused(['keys', 'rotate'], options);
    expect(said).to.equal(
      `A new RS256 key is waiting already: it signs from ${key?.signs_from}. Use --now if that is too late.`,
    );
    expect(await list()).to.have.length(4);
    expect(await rotate('--now')).to.have.length(3);
  });

  it('after the change another rotate is welcome', async () => {
    await rotate();
    await gatehouse.advance('15m');
    expect(await rotate()).to.have.length(3);
  });

  it('says of each key what became of it', async () => {
    const issue = await createIssue(gatehouse);
    const [first] = await list();
    const [second] = await rotate('--now', '--alg', 'RS256');
    const stateOf = async (key: KeyJson | undefined) =>
      (await list()).find(({ kid }) => kid === key?.kid);
    await gatehouse.advance('40s');
    expect(await stateOf(first)).to.include({ state: 'verifying' });
    expect(await stateOf(second)).to.include({ state: 'signing' });
    expect(kidOf(await issue())).to.equal(second?.kid);
    await gatehouse.advance('63m');
    const retired = await stateOf(first);
    expect(retired).to.include({ state: 'retired' });
    expect(between(retired?.signs_until ?? '', retired?.retires_at ?? '')).to.be.at.least(62);
  });

  it('leaves in the audit who did it, and which keys', async () => {
    const made = await rotate();
    const rows = await auditRows(gatehouse, { kind: 'admin.key_rotated' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(kids(made));
    for (const { actor, detail } of rows) {
      expect(actor).to.equal(`cli:${userInfo().username}`);
      expect(detail).to.include({ urgency: 'planned' });
    }
  });

  it('twenty at once make one key of each algorithm', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        command(['keys', 'rotate', '--json'], { ...options, apart: index < 3 }),
      ),
    );
    const winners = results.filter(({ code }) => code === 0);
    expect(winners).to.have.length(1);
    for (const loser of results.filter(({ code }) => code !== 0)) {
      expect(sentence(loser)).to.match(/waiting already|The keys were changed meanwhile/);
    }
    const keys = await list();
    expect(keys).to.have.length(6);
    const rows = await auditRows(gatehouse, { kind: 'admin.key_rotated' });
    expect(rows.map(({ detail }) => detail.kid)).to.have.members(
      kids(JSON.parse(winners[0]?.stdout ?? '[]')),
    );
  });

  describe('a damaged row', () => {
    const damage = async (kid: string, column: string, value: string) => {
      const { store: rows } = gatehouse.core;
      const row = rows.sql('signing_keys').where({ kid });
      const [found] = await rows.all(rows.compile(row.clone()));
      await rows.write(rows.compile(row.update({ [column]: value })));
      return String(found?.[column]);
    };
    const flip = (text: string) => `${text.slice(0, -6)}AAAAAA`;

    it('ends a start with one line that names the key', async () => {
      const [key] = await list();
      const kid = key?.kid ?? '';
      await damage(kid, 'sealed_jwk', flip(await damage(kid, 'sealed_jwk', '')));
      expect(await refused(['keys', 'list'], options)).to.equal(
        `The stored RS256 signing key "${kid}" is damaged.`,
      );
    });

    it('of a new key leaves the server with those it has, until it is mended', async () => {
      const issue = await createIssue(gatehouse);
      const before = await kidsAt(gatehouse.url);
      const [made] = await rotate('--now', '--alg', 'RS256');
      const kid = made?.kid ?? '';
      const whole = await damage(kid, 'sealed_jwk', flip(String(Math.random())));
      const error = await gatehouse.core.renewKeys().catch((reason) => reason);
      expect(error).to.include({ status: 500 });
      await gatehouse.advance('1m');
      expect(await kidsAt(gatehouse.url)).to.deep.equal(before);
      expect(before).to.include(kidOf(await issue()));
      await damage(kid, 'sealed_jwk', whole);
      await gatehouse.core.renewKeys();
      expect(kidOf(await issue())).to.equal(kid);
    });

    it('of a retired key is named, too', async () => {
      const [key] = await list();
      await rotate('--now');
      await gatehouse.advance('2h');
      await damage(key?.kid ?? '', 'public_jwk', '{"kty":');
      expect(await refused(['keys', 'list'], options)).to.include(`"${key?.kid}" is damaged`);
    });
  });
});
