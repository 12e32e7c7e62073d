// gatehouse service-account … and explain of one, beside a server that runs on the same database.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  importJWK,
  importPKCS8,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { randomId } from '../../src/lib/ids.ts';
import { withRequest } from '../../src/lib/request-context.ts';
import { auditRows, auditText } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { advanceClock, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onOneStoreExcept, SQLITE } from '../support/stores.ts';
import { done, json, misused, type Options, refused } from './helpers.ts';

interface MadeJson {
  readonly id: string;
  readonly kid: string;
  readonly alg: string;
  readonly private_key?: string;
  readonly totp_secret?: string;
  readonly otpauth_url?: string;
  readonly [name: string]: unknown;
}

interface KeyJson {
  readonly kid: string;
  readonly alg: string;
  readonly status: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly created_at: string;
}

interface AccountJson {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly totp: boolean;
  readonly keys: readonly KeyJson[];
  readonly [name: string]: unknown;
}

interface Explained {
  readonly service_account?: AccountJson;
  readonly account?: unknown;
  readonly client?: string | null;
  readonly limits?: ReadonlyArray<{ rule: string; until: string | null }>;
  readonly says?: readonly string[];
  readonly events: ReadonlyArray<{ says: string; actor: string | null }>;
}

const FILES = 'https://files.example.com/';
const RESOURCES = [{ identifier: FILES, scopes: ['read', 'write'] }];
const OPERATOR = `cli:${userInfo().username}`;
const publicJwk = () =>
  generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) as unknown as JWK;

/** One in 64 begins with a given character. */
async function jwkWhoseNameBegins(start: string): Promise<JWK> {
  for (;;) {
    const jwk = publicJwk();
    if ((await calculateJwkThumbprint(jwk)).startsWith(start)) return jwk;
  }
}

onOneStoreExcept(/ update /, 'gatehouse service-account', (store) => {
  let gatehouse: Gatehouse;
  let options: Options;
  before(async () => {
    const database = await store.createMigrated();
    const file = join(database.dataDir, 'apis.json');
    writeFileSync(file, JSON.stringify({ mfa: { required: false }, resources: RESOURCES }));
    gatehouse = await startGatehouse({ store, database, env: { GATEHOUSE_CONFIG: file } });
    options = { database, env: { ISSUER: gatehouse.url, GATEHOUSE_CONFIG: file } };
  });
  afterEach(() => advanceClock(gatehouse.url, undefined));
  after(() => gatehouse.stop());

  const run = (...args: string[]) => done(['service-account', ...args], options);
  const asJson = <T>(...args: string[]) => json<T>(['service-account', ...args], options);
  const create = (...more: string[]) =>
    asJson<MadeJson>('create', '--name', 'Deployments', '--alg', 'ES256', ...more);
  const show = (id: string) => asJson<AccountJson>('show', id);
  const refuse = (...args: string[]) => refused(['service-account', ...args], options);
  const fileOf = (name: string, content?: string) => {
    const file = join(gatehouse.database.dataDir, name);
    if (content !== undefined) writeFileSync(file, content);
    return file;
  };
  /** What the database holds of a key, which the server reads. */
  const storedJwk = async (id: string) =>
    (await gatehouse.core.serviceAccounts.keysOf(id)).at(-1)?.jwk as JWK;

  describe('create', () => {
    it('prints one JSON document, which is all that a machine needs', async () => {
      const made = await asJson<MadeJson>('create', '--name', 'Backups');
      expect(made).to.have.all.keys([
        ...['id', 'kid', 'alg', 'name', 'issuer', 'token_endpoint', 'scope', 'resources'],
        ...['allowed_addresses', 'expires_at', 'private_key'],
      ]);
      expect(made).to.deep.include({
        alg: 'RS256',
        name: 'Backups',
        issuer: gatehouse.url,
        token_endpoint: `${gatehouse.url}/v1/auth/service-account/token`,
        scope: '',
        resources: [`${gatehouse.url}/api`],
        allowed_addresses: [],
        expires_at: null,
      });
      const signed = await new SignJWT({})
        .setProtectedHeader({ alg: made.alg, kid: made.kid })
        .sign(await importPKCS8(made.private_key ?? '', made.alg));
      await jwtVerify(signed, await importJWK(await storedJwk(made.id), made.alg));
    });

    it('takes lists of what it may, and a key that expires', async () => {
      const made = await create(
        ...['--scope', 'read write', '--resource', FILES, `${gatehouse.url}/api`],
        ...['--allow-address', '10.1.2.3/8', '2001:db8::/32', '--expires', '90d'],
      );
      expect(made).to.deep.include({
        scope: 'read write',
        resources: [FILES, `${gatehouse.url}/api`],
        allowed_addresses: ['10.0.0.0/8', '2001:db8:0:0:0:0:0:0/32'],
      });
      const days = (Date.parse(String(made.expires_at)) - Date.now()) / 86_400_000;
      expect(days).to.be.within(89.9, 90);
      const dated = await create('--expires', '2099-12-31');
      expect(dated.expires_at).to.equal('2099-12-31T00:00:00.000Z');
      const exact = await create('--expires', '2099-12-31T12:30Z');
      expect(exact.expires_at).to.equal('2099-12-31T12:30:00.000Z');
    });

    it('prints the secret of its codes once, with --totp', async () => {
      const made = await create('--totp');
      expect(made.totp_secret).to.match(/^[A-Z2-7]{32}$/);
      const url = new URL(made.otpauth_url ?? '');
      expect(url.pathname).to.match(/Gatehouse:Deployments$/);
      expect(url.searchParams.get('secret')).to.equal(made.totp_secret);
      expect(await show(made.id)).to.include({ totp: true });
    });

    it('takes a public key from a file or from standard input', async () => {
      const jwk = publicJwk();
      const file = fileOf('public.json', JSON.stringify({ ...jwk, kid: 'mine' }));
      const made = await asJson<MadeJson>('create', '--name', 'A', '--public-jwk', file);
      expect(made).to.include({ alg: 'EdDSA' }).and.not.to.have.property('private_key');
      expect(await storedJwk(made.id)).to.deep.equal(jwk);
      const args = ['service-account', 'create', '--name', 'B', '--public-jwk', '-'];
      const piped = await json<MadeJson>(args, { ...options, stdin: `${JSON.stringify(jwk)}\n` });
      expect(piped.kid, 'the same key has the same name')
        .to.equal(made.kid)
        .and.not.to.equal('mine');
    });

    it('shows people the key, how to keep it, and a line that asks for a token', async () => {
      const text = await run('create', '--name', 'Deployments', '--alg', 'ES256', '--totp');
      const id = /^id +(sa_\S+)$/m.exec(text)?.[1] ?? '';
      const secret = /^totp_secret +(\S+)$/m.exec(text)?.[1] ?? '';
      expect(text).to.match(
        /^-----BEGIN PRIVATE KEY-----\n[\w+/=\n]+\n-----END PRIVATE KEY-----$/m,
      );
      expect(text)
        .to.include('shown this once')
        .and.to.include('0600')
        .and.to.include('--key-file');
      expect(text).to.match(/within five minutes \(its code is good for half a minute\):/);
      const { address, fields } = pasted(text);
      expect(address).to.equal(`${gatehouse.url}/v1/auth/service-account/token`);
      expect([...fields.keys()]).to.deep.equal(['grant_type', 'assertion', 'mfa_code']);
      expect(fields.get('grant_type')).to.equal('urn:ietf:params:oauth:grant-type:jwt-bearer');
      expect([codeFor(secret), codeFor(secret, Date.now() - 30_000)]).to.include(
        fields.get('mfa_code'),
      );
      const assertion = fields.get('assertion') ?? '';
      const key = await importJWK(await storedJwk(id), 'ES256');
      const { payload } = await jwtVerify(assertion, key, { audience: gatehouse.url });
      expect(payload).to.have.all.keys(['iss', 'sub', 'aud', 'iat', 'exp', 'jti']);
      expect(payload).to.include({ iss: id, sub: id, aud: gatehouse.url });
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).to.equal(300);
      expect(payload.jti).to.match(/^[\w-]{22}$/);
      const [{ kid } = {}] = (await show(id)).keys;
      expect(decodeProtectedHeader(assertion)).to.deep.equal({ alg: 'ES256', kid, typ: 'JWT' });
      expect(await send(text)).to.include({ token_type: 'Bearer', scope: '' });
      expect(await send(text), 'the second time').to.include({ error: 'invalid_grant' });
    });

    it('names scope and resource in the line, where they are not the usual ones', async () => {
      const lists = ['--resource', FILES, '--scope', 'read write'];
      const text = await run('create', '--name', 'A', '--alg', 'EdDSA', ...lists);
      const { fields } = pasted(text);
      expect(fields.get('scope')).to.equal('read write');
      expect(fields.get('resource')).to.equal(FILES);
      expect(fields.has('mfa_code')).to.equal(false);
      expect(await send(text)).to.include({ token_type: 'Bearer', scope: 'read write' });
    });

    it('leaves a gap in the line for what only the holder of the private key can make', async () => {
      const file = fileOf('gap.json', JSON.stringify(publicJwk()));
      const text = await run('create', '--name', 'A', '--totp', '--public-jwk', file);
      expect(text).not.to.include('PRIVATE KEY');
      expect(text).to.match(/Sign an assertion with the private key/);
      expect(text)
        .to.match(/^totp_secret +[A-Z2-7]{32}$/m)
        .and.to.include('shown this once');
      expect(pasted(text).fields.get('assertion')).to.equal('ASSERTION');
    });

    it('writes what is secret to --key-file, for nobody else to read', async () => {
      const file = fileOf('machine.json');
      const printed = await create('--totp', '--key-file', file);
      expect(printed).to.include({ key_file: file });
      expect(printed).not.to.have.any.keys(['private_key', 'totp_secret', 'otpauth_url']);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      const { key_file: _file, ...shown } = printed;
      const kept = JSON.parse(readFileSync(file, 'utf8')) as MadeJson;
      expect(kept).to.deep.include(shown);
      expect(kept).to.include.keys(['private_key', 'totp_secret', 'otpauth_url']);
      const text = await run('create', '--name', 'A', '--key-file', fileOf('people.json'));
      expect(text).to.include('stands in the key file').and.not.to.include('BEGIN PRIVATE KEY');
      expect(pasted(text).fields.get('assertion')).to.match(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    });

    it('overwrites no file, makes nothing then, and leaves no file when it makes nothing', async () => {
      const count = async () => (await asJson<AccountJson[]>('list')).length;
      const before = await count();
      const file = fileOf('precious.txt', 'precious');
      const args = ['create', '--name', 'A', '--key-file'];
      expect(await refuse(...args, file)).to.equal(
        "The key file already exists and won't be overwritten.",
      );
      expect(readFileSync(file, 'utf8')).to.equal('precious');
      const nowhere = join(gatehouse.database.dataDir, 'no-folder', 'key.json');
      expect(await refuse(...args, nowhere)).to.equal('The key file cannot be written (ENOENT).');
      const unborn = fileOf('unborn.json');
      await refuse(...args, unborn, '--scope', 'openid');
      expect(existsSync(unborn)).to.equal(false);
      expect(await count()).to.equal(before);
    });

    it('says in one line what cannot be', async () => {
      const good = JSON.stringify(publicJwk());
      const given = (text: string) => ['--public-jwk', fileOf(`bad-${randomId()}.json`, text)];
      const cases: ReadonlyArray<readonly [args: readonly string[], says: RegExp]> = [
        [['--scope', 'openid'], /^The scope "openid" asks about a person/],
        [
          ['--scope', 'read'],
          /^No scope "read" is configured for ".*\/api"\. It has none\. To have/,
        ],
        [['--resource', 'https://a.example.com/'], /^No resource "https:\/\/a\.example\.com\/"/],
        [['--allow-address', 'localhost'], /^"localhost" is no address range/],
        [['--expires', '2001-01-01'], /^The key would have expired already/],
        [['--expires', '99999999d'], /^Invalid expiry time for a key/],
        [['--public-jwk', fileOf('nowhere.json')], /^The file cannot be read \(ENOENT\)\.$/],
        [given('{'), /isn't valid JSON/],
        [given(`[${good}]`), /^That is a list/],
        [given(`{"keys":[${good}]}`), /^That is a JWK Set/],
        [given('{"kty":"oct","k":"c2VjcmV0"}'), /^That is a shared secret/],
        [given(good.replace('}', ',"d":"c2VjcmV0"}')), /^That is a private key/],
        [[...given(good), '--alg', 'RS256'], /^A key OKP Ed25519 is for EdDSA/],
      ];
      for (const [args, says] of cases) {
        const why = await refuse('create', '--name', 'Bad', ...args, '--json');
        expect(why, args.join(' ')).to.match(says).and.not.to.include('c2VjcmV0');
      }
      expect(await refuse('create', '--name', '')).to.equal('A service account needs a name.');
      const names = (await asJson<AccountJson[]>('list')).map(({ name }) => name);
      expect(names).not.to.include('Bad');
    });
  });

  it('list and show print everything but secrets', async () => {
    const made = await create('--totp', '--expires', '2099-01-01');
    const shown = await show(made.id);
    const [key, ...more] = shown.keys;
    expect(more).to.deep.equal([]);
    expect(shown).to.have.all.keys([
      ...['id', 'name', 'status', 'scope', 'resources', 'allowed_addresses', 'totp'],
      ...['created_at', 'keys'],
    ]);
    expect(key).to.deep.equal({
      kid: made.kid,
      alg: 'ES256',
      status: 'active',
      expires_at: '2099-01-01T00:00:00.000Z',
      last_used_at: null,
      created_at: key?.created_at,
    });
    expect(await asJson<AccountJson[]>('list')).to.deep.include(shown);
    const texts = [
      await run('show', made.id),
      await run('show', made.id, '--json'),
      await run('list'),
      await run('list', '--json'),
    ];
    for (const text of texts) {
      expect(text).to.include(made.id).and.not.to.include(made.totp_secret);
      expect(text).not.to.match(/PRIVATE|"d"|secret/i);
    }
    expect(texts[0]).to.match(/^kid +alg +status +expires_at +last_used_at +created_at$/m);
    expect(texts[2]).to.match(
      new RegExp(`^${made.id} +Deployments +active +1 active +yes +20`, 'm'),
    );
  });

  describe('keys', () => {
    it('overlap while a machine changes over', async () => {
      const made = await create('--expires', '2d');
      const added = await asJson<MadeJson>('add-key', made.id, '--alg', 'EdDSA');
      expect(added).to.include({ id: made.id, alg: 'EdDSA' }).and.to.include.keys(['private_key']);
      const after = await asJson<AccountJson>('revoke-key', made.id, made.kid, '--reason', 'old');
      expect(after.keys.map(({ kid, status }) => [kid, status])).to.deep.equal([
        [made.kid, 'revoked'],
        [added.kid, 'active'],
      ]);
      expect(await run('list')).to.match(new RegExp(`^${made.id} .* 1 active, 1 revoked `, 'm'));
      const rows = await auditRows(gatehouse, { accountId: made.id });
      expect(rows.at(-1)).to.deep.include({
        kind: 'admin.service_account_key_revoked',
        actor: OPERATOR,
        reason: 'old',
        detail: { kid: made.kid },
      });
    });

    it('expire', async () => {
      const { id } = await create('--expires', '1h');
      await gatehouse.advance('2h');
      expect((await show(id)).keys.map(({ status }) => status)).to.deep.equal(['expired']);
    });

    it('are added as a file, or for people with a line that asks', async () => {
      const { id } = await create('--totp');
      const file = fileOf('second.json');
      await run('add-key', id, '--key-file', file);
      const kept = JSON.parse(readFileSync(file, 'utf8')) as MadeJson;
      expect(kept).to.include({ id }).and.to.include.keys(['private_key']);
      expect(kept).not.to.have.any.keys(['totp_secret', 'otpauth_url']);
      const { fields } = pasted(await run('add-key', id, '--alg', 'ES256'));
      expect(fields.get('mfa_code')).to.equal('CODE');
    });

    it('are revoked also where their name begins with a hyphen', async () => {
      const { id } = await create();
      for (const start of ['-', '-h']) {
        const jwk = await jwkWhoseNameBegins(start);
        const file = fileOf(`hyphen${start}.json`, JSON.stringify(jwk));
        const { kid } = await asJson<MadeJson>('add-key', id, '--public-jwk', file);
        await run('revoke-key', id, kid, '--reason', 'a test');
        const { keys } = await show(id);
        expect(keys.find((key) => key.kid === kid)).to.include({ status: 'revoked' });
      }
      await misused(['service-account', 'revoke-key', id, 'kid', '--resaon', 'a test'], options);
    });

    it('are refused where there is no such account, no such key, or one has been there', async () => {
      const { id, kid } = await create();
      const unknown = 'No service account has the id "sa_unknown".';
      expect(await refuse('add-key', 'sa_unknown')).to.equal(unknown);
      expect(await refuse('revoke-key', 'sa_unknown', kid)).to.equal(unknown);
      expect(await refuse('revoke-key', id, 'other')).to.equal(
        'The service account has no key "other".',
      );
      const file = fileOf('same.json', JSON.stringify(await storedJwk(id)));
      expect(await refuse('add-key', id, '--public-jwk', file)).to.equal(
        `The service account has, or had, the key ${kid} already.`,
      );
      const gone = fileOf('gone.json');
      await refuse('add-key', 'sa_unknown', '--key-file', gone);
      expect(existsSync(gone)).to.equal(false);
    });
  });

  it('disable, enable, unlock and delete do that, for a reason', async () => {
    const { id } = await create();
    const why = ['--reason', 'leaving', '--ticket', 'OPS-7'];
    expect(await asJson<AccountJson>('disable', id, ...why)).to.include({ status: 'disabled' });
    expect(await refuse('disable', id)).to.equal('The service account is disabled already.');
    expect(await asJson<AccountJson>('enable', id)).to.include({ status: 'active' });
    expect(await asJson<AccountJson>('unlock', id)).to.include({ status: 'active' });
    expect(await run('disable', id)).to.match(/^status +disabled$/m);
    expect(await run('delete', id)).to.equal(`Deleted ${id}.\n`);
    expect(await refuse('show', id)).to.equal(`No service account has the id "${id}".`);
    const other = await create();
    expect(await asJson('delete', other.id)).to.deep.equal({ id: other.id, deleted: true });
    const [, row] = await auditRows(gatehouse, { accountId: id });
    expect(row).to.deep.include({
      reason: 'leaving',
      detail: { ticket: 'OPS-7' },
      actor: OPERATOR,
    });
  });

  describe('update', () => {
    const update = (id: string, ...more: string[]) => asJson<AccountJson>('update', id, ...more);
    const updates = async (accountId: string) => {
      const rows = await auditRows(gatehouse, { accountId });
      return rows.filter(({ kind }) => kind === 'admin.service_account_updated');
    };

    it('replaces what it names, and takes away with --no-…', async () => {
      const lists = ['--resource', FILES, '--scope', 'read write'];
      const { id } = await create(...lists, '--allow-address', '192.0.2.0/24');
      const named = await update(id, '--name', ' Backups ', '--scope', 'read');
      const kept = { resources: [FILES], allowed_addresses: ['192.0.2.0/24'] };
      expect(named).to.deep.include({ name: 'Backups', scope: 'read', ...kept });
      const open = await update(id, '--no-scope', '--no-resource', '--no-allow-address');
      const own = [`${gatehouse.url}/api`];
      expect(open).to.deep.include({ scope: '', resources: own, allowed_addresses: [] });
      const both = ['--resource', FILES, own[0] ?? '', '--allow-address', '10.1.2.3', '::1'];
      expect(await update(id, ...both)).to.deep.include({
        resources: [FILES, ...own],
        allowed_addresses: ['10.1.2.3/32', '0:0:0:0:0:0:0:1/128'],
      });
      expect(await run('update', id, '--name', 'Files')).to.match(/^name +Files$/m);
      expect(await show(id)).to.deep.include({ name: 'Files', status: 'active' });
    });

    it('leaves a row that names what was changed, by whom and why', async () => {
      const { id } = await create();
      await update(id, '--name', 'Deployments');
      expect(await updates(id)).to.deep.equal([]);
      const why = ['--reason', 'moved', '--ticket', 'OPS-7'];
      await update(id, '--allow-address', '192.0.2.0/24', '--name', 'Deployments', ...why);
      const [row, ...more] = await updates(id);
      expect(more).to.deep.equal([]);
      expect(row).to.deep.include({
        actor: OPERATOR,
        reason: 'moved',
        detail: { changed: ['allowed_addresses'], ticket: 'OPS-7' },
      });
      expect(await auditText(gatehouse)).not.to.include('192.0.2.0/24');
    });

    it('says in one line what cannot be, and changes nothing then', async () => {
      const { id } = await create('--resource', FILES, '--scope', 'read');
      const before = await show(id);
      const wrong: ReadonlyArray<readonly [readonly string[], RegExp]> = [
        [[], /^Nothing to change. See --help for the options\.$/],
        [['--reason', 'none'], /^Nothing to change/],
        [['--name', ' '], /needs a name/],
        [['--scope', 'read nonsense'], /No scope "nonsense" is configured/],
        [['--scope', 'email'], /a service account is none/],
        [['--no-resource'], /No scope "read" is configured/],
        [['--resource', 'https://nowhere.example.com'], /No resource/],
        [['--allow-address', '10.0.0.0/33'], /10\.0\.0\.0\/33/],
      ];
      for (const [words, says] of wrong)
        expect(await refuse('update', id, ...words)).to.match(says);
      expect(await refuse('update', 'sa_nobody', '--name', 'A')).to.match(/No service account/);
      expect(await show(id)).to.deep.equal(before);
      expect(await updates(id)).to.deep.equal([]);
    });
  });

  it('reset-totp prints a new secret, once', async () => {
    const made = await create('--totp');
    const again = await asJson<MadeJson>('reset-totp', made.id);
    expect(again).to.have.all.keys(['id', 'totp_secret', 'otpauth_url']);
    expect(again.totp_secret)
      .to.match(/^[A-Z2-7]{32}$/)
      .and.not.to.equal(made.totp_secret);
    expect(await run('reset-totp', made.id)).to.match(/^totp_secret +[A-Z2-7]{32}$/m);
    expect(await auditText(gatehouse)).not.to.include(again.totp_secret);
  });

  describe('explain', () => {
    const explain = (what: string) => json<Explained>(['explain', what], options);
    const refuseToken = (accountId: string, trace: string) =>
      withRequest({ trace }, () =>
        gatehouse.core.audit.write({
          kind: 'service_account.token',
          outcome: 'refused',
          reason: 'the assertion has expired',
          accountId,
          clientId: accountId,
          detail: { kid: 'some-key' },
        }),
      );

    it('says how a service account stands', async () => {
      const made = await create(
        '--totp',
        '--allow-address',
        '10.0.0.0/8',
        '--expires',
        '2099-01-01',
      );
      const explained = await explain(made.id);
      expect(explained.service_account).to.deep.equal(await show(made.id));
      expect(explained.limits).to.deep.equal([]);
      expect(explained.says).to.deep.equal([
        'Active.',
        `Key ${made.kid} (ES256): active, expires 2099-01-01T00:00:00.000Z, never used.`,
        'Sends a TOTP code with each assertion.',
        `It may ask for no scope, at ${gatehouse.url}/api.`,
        'It may ask only from 10.0.0.0/8.',
      ]);
      expect(explained.events).to.have.length(1);
      const text = await done(['explain', made.id], options);
      expect(text).to.match(new RegExp(`^Deployments \\(${made.id}\\)\n  Active\\.\n  Key `));
    });

    it('says why it would be refused', async () => {
      const { id, kid } = await create('--resource', FILES, '--scope', 'read');
      await run('revoke-key', id, kid);
      await run('disable', id);
      expect((await explain(id)).says).to.deep.equal([
        'Disabled.',
        `Key ${kid} (ES256): revoked, never used.`,
        'No valid key: all its requests are refused.',
        "Doesn't send TOTP codes.",
        `It may ask for the scopes read, at ${FILES}.`,
        'Allowed from any network.',
      ]);
    });

    it('says which limits are closed', async () => {
      const { id } = await create('--totp');
      const requester = { address: '::1', userAgent: '', browser: undefined, devices: new Map() };
      for (let time = 0; time < 10; time += 1) {
        const reserved = await gatehouse.core.limits.reserveCode(id, false, requester);
        if (reserved.kind === 'reserved') await reserved.consume();
      }
      const { limits, says } = await explain(id);
      expect(limits?.map(({ rule }) => rule)).to.deep.equal(['codes']);
      expect(says?.at(-1)).to.match(/^Locked by rule `codes` until .* \(10 failures\)\.$/);
      await run('unlock', id);
      expect((await explain(id)).limits).to.deep.equal([]);
    });

    it('finds the request that was refused, by its trace', async () => {
      const { id } = await create();
      const trace = store.name === 'SQLite' ? 'SA00000001' : 'SA00000002';
      await refuseToken(id, trace);
      const explained = await explain(trace.toLowerCase());
      expect(explained).to.include({ account: id, client: id });
      expect(explained.events.map(({ says }) => says)).to.deep.equal([
        'The service account was refused: the assertion has expired (kid: some-key).',
      ]);
      const text = await done(['explain', trace], options);
      expect(text.split('\n')[0]).to.equal(`A request of Deployments (${id}).`);
      expect((await explain(id)).events.map(({ says }) => says)).to.include(
        'The service account was refused: the assertion has expired (kid: some-key).',
      );
    });

    it('still knows one that was deleted', async () => {
      const { id } = await create();
      await run('delete', id, '--reason', 'not needed');
      const { says, events } = await explain(id);
      expect(says).to.deep.equal(['This account was deleted.']);
      expect(events.at(-1)).to.include({ actor: OPERATOR });
      expect(events.at(-1)?.says).to.match(/was deleted: not needed/);
    });
  });

  it('doctor names the keys that expire within 14 days', async () => {
    const findings = async () => {
      const all = await json<Array<{ check: string; ok: boolean; says: string }>>(
        ['doctor'],
        options,
      );
      return all.find(({ check }) => check === 'service accounts');
    };
    const { id, kid, expires_at } = await create('--expires', '13d');
    const day = String(expires_at).slice(0, 10);
    const found = await findings();
    expect(found).to.include({ ok: true });
    expect(found?.says)
      .to.include(`${kid} of ${id} on ${day}`)
      .and.to.match(/^\d+ of their keys/);
    await run('revoke-key', id, kid);
    expect((await findings())?.says).not.to.include(kid);
  });
});

describe('usage of gatehouse service-account', () => {
  it('is answered with exit 2 where it is wrong', async () => {
    const database = await SQLITE.create();
    const wrong: ReadonlyArray<readonly string[]> = [
      [],
      ['nonsense'],
      ['create'],
      ['create', '--name'],
      ['create', '--name', 'A', 'extra'],
      ['create', '--name', 'A', '--alg', 'HS256'],
      ['create', '--name', 'A', '--alg', 'none'],
      ...['soon', '90', '-1d', '2099-02-31', '2099-13-01', '2099', '31.12.2099', '0x1d'].map(
        (when) => ['create', '--name', 'A', '--expires', when],
      ),
      ['list', 'extra'],
      ['show'],
      ['add-key'],
      ['revoke-key', 'sa_a'],
      ['disable'],
      ['delete', 'sa_a', 'sa_b'],
      ['reset-totp'],
      ['unlock'],
      ['update'],
      ['update', 'sa_a', '--totp'],
      ['update', 'sa_a', '--name'],
    ];
    for (const words of wrong) await misused(['service-account', ...words], { database });
    for (const words of [[], ['create'], ['update'], ['add-key'], ['reset-totp']]) {
      const help = await done(['service-account', ...words, '--help'], { database });
      expect(help).to.match(/^Usage: gatehouse service-account/);
    }
    database.remove();
  });
});

/** What the line brings. */
async function send(text: string) {
  const { address = '', fields } = pasted(text);
  const answer = await fetch(address, { method: 'POST', body: new URLSearchParams([...fields]) });
  return (await answer.json()) as Record<string, unknown>;
}

/** What a shell makes of the line, and curl of its words. */
function pasted(text: string) {
  const line = text.split('\n').find((each) => each.startsWith('curl ')) ?? '';
  const script = `curl() { printf '%s\\n' "$@"; }; ${line}`;
  const words = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).trimEnd().split('\n');
  const [silent, address, ...rest] = words;
  expect(silent).to.equal('-sS');
  const fields = new Map<string, string>();
  for (let at = 0; at < rest.length; at += 2) {
    expect(rest[at]).to.be.oneOf(['-d', '--data-urlencode']);
    const [name = '', ...value] = (rest[at + 1] ?? '').split('=');
    fields.set(name, value.join('='));
  }
  return { address, fields };
}
