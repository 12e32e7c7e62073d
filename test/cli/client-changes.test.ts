// gatehouse client update, rotate-secret, disable and enable, as operators type them.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { REDIRECT_URI, relyingParty } from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { command, done, json, misused, refused } from './helpers.ts';

interface ClientJson {
  readonly client_id: string;
  readonly client_secret?: string;
  readonly secrets?: ReadonlyArray<{ created_at: string; expires_at: string | null }>;
  readonly [name: string]: unknown;
}

/** It fails where a server runs on the port, and says the rest all the same. */
async function doctor(options: { readonly database: TestDatabase }): Promise<string> {
  return (await command(['doctor'], options)).stdout;
}

onBothStores('changing a client', (store) => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  before(async () => {
    gatehouse = await startGatehouse({ store });
    options = { database: gatehouse.database };
  });
  after(() => gatehouse.stop());

  const create = (...more: string[]) =>
    json<ClientJson>(
      ['client', 'create', '--name', 'App', '--redirect-uri', REDIRECT_URI, ...more],
      options,
    );
  const act = (name: string, { client_id: id }: ClientJson, ...more: string[]) =>
    json<ClientJson>(['client', name, id, ...more], options);
  const machine = () => create('--grant', 'client_credentials');
  const works = async ({ client_id: id }: ClientJson, secret: unknown) => {
    const party = relyingParty(gatehouse.url, id, secret as string);
    return (await party.token({ grant_type: 'client_credentials' })).status === 200;
  };
  const eventsOf = async ({ client_id: id }: ClientJson) =>
    (await auditRows(gatehouse)).filter(({ clientId }) => clientId === id);

  describe('update', () => {
    it('replaces what is named, and leaves the rest', async () => {
      const before = await create(
        '--scope',
        'openid email',
        '--client-uri',
        'https://a.example.com/',
      );
      const { client_secret: secret, ...shown } = before;
      const after = await act(
        'update',
        before,
        ...['--name', 'Renamed', '--redirect-uri', 'https://b.example.com/cb', '--first-party'],
        ...['--grant', 'authorization_code', '--require-acr', 'urn:gatehouse:acr:mfa'],
        ...['--direct-sign-in'],
        ...['--backchannel-logout-uri', 'https://b.example.com/logout', '--no-pkce'],
        ...['--allow-address', '192.0.2.9/24', '2001:db8::/32'],
      );
      expect(after).to.deep.equal({
        ...shown,
        client_name: 'Renamed',
        redirect_uris: ['https://b.example.com/cb'],
        first_party: true,
        direct_sign_in: true,
        grant_types: ['authorization_code'],
        require_acr: 'urn:gatehouse:acr:mfa',
        backchannel_logout_uri: 'https://b.example.com/logout',
        backchannel_logout_session_required: true,
        require_pkce: false,
        allowed_addresses: ['192.0.2.0/24', '2001:db8:0:0:0:0:0:0/32'],
      });
      expect(await json(['client', 'show', before.client_id], options)).to.deep.equal(after);
      expect(secret).to.be.a('string');
    });

    it('takes away what --no-… names', async () => {
      const client = await create(
        ...['--scope', 'openid', '--resource', 'https://api.example.com', '--first-party'],
        ...['--direct-sign-in'],
        ...['--client-uri', 'https://a.example.com/', '--id-token-alg', 'ES256', '--no-pkce'],
        ...['--backchannel-logout-uri', 'https://a.example.com/logout', '--native'],
        ...['--post-logout-redirect-uri', 'https://a.example.com/'],
        ...['--initiate-login-uri', 'https://a.example.com/start'],
        ...['--require-acr', 'urn:gatehouse:acr:mfa', '--allow-address', '192.0.2.7'],
      );
      const plain = await act(
        'update',
        client,
        ...['--no-scope', '--no-resource', '--no-first-party', '--no-client-uri', '--pkce'],
        ...['--no-id-token-alg', '--no-backchannel-logout-uri', '--no-native'],
        ...['--no-post-logout-redirect-uri', '--no-initiate-login-uri'],
        ...['--no-require-acr', '--no-allow-address', '--no-direct-sign-in'],
      );
      const { client_secret: _, client_id: __, created_at: ___, secrets, ...bare } = await create();
      expect(secrets).to.have.length(1);
      expect(plain).to.deep.include(bare);
      expect(Object.keys(plain)).to.have.members([
        ...Object.keys(bare),
        ...['client_id', 'created_at', 'secrets'],
      ]);
    });

    it('records which names changed, never their values', async () => {
      const client = await create();
      await act('update', client, '--name', 'Very Secret Project', '--scope', 'openid');
      const [row, ...more] = (await eventsOf(client)).filter(
        ({ kind }) => kind === 'admin.client_updated',
      );
      expect(more).to.deep.equal([]);
      expect(row?.detail).to.deep.equal({ changed: ['client_name', 'scope'] });
      expect(JSON.stringify(row)).not.to.include('Very Secret');
    });

    it('writes nothing where nothing changes', async () => {
      const client = await create();
      const { client_secret: _, ...shown } = client;
      expect(await act('update', client, '--name', 'App')).to.deep.equal(shown);
      expect(await eventsOf(client)).to.have.length(1);
    });

    it('refuses what could not be registered, and changes nothing', async () => {
      const client = await create();
      const bad: ReadonlyArray<readonly [readonly string[], RegExp]> = [
        [['--redirect-uri', 'not a uri'], /^redirect_uris/],
        [['--no-redirect-uri'], /^redirect_uris/],
        [['--grant', 'implicit'], /^grant_types/],
        [['--public', '--grant', 'client_credentials'], /^grant_types/],
        [['--backchannel-logout-uri', 'x'], /^backchannel_logout_uri/],
        [['--allow-address', 'everywhere'], /^"everywhere" is no address range/],
        [[], /^Nothing to change/],
      ];
      for (const [args, says] of bad) {
        const why = await refused(['client', 'update', client.client_id, ...args], options);
        expect(why, args.join(' ')).to.match(says);
      }
      const { client_secret: _, ...shown } = client;
      expect(await json(['client', 'show', client.client_id], options)).to.deep.equal(shown);
      await misused(['client', 'update', client.client_id, '--grant'], options);
      await misused(['client', 'update', client.client_id, '--require-acr', 'x'], options);
      expect(await refused(['client', 'update', 'app_unknown', '--name', 'x'], options)).to.equal(
        'No client found for "app_unknown".',
      );
    });

    it('ends the secret of a client that becomes public, and makes one for it to come back', async () => {
      const client = await create();
      const open = await act('update', client, '--public');
      expect(open).to.include({ token_endpoint_auth_method: 'none' });
      expect(open).not.to.have.any.keys('secrets', 'client_secret');
      const closed = await act('update', client, '--no-public', '--grant', 'client_credentials');
      expect(closed.client_secret).to.match(/^[\w-]{43}$/);
      expect(await works(client, closed.client_secret)).to.equal(true);
      expect(await works(client, client.client_secret)).to.equal(false);
      const keys = await act('update', client, '--jwks-uri', 'https://a.example.com/jwks');
      expect(keys).to.include({ token_endpoint_auth_method: 'private_key_jwt' });
      expect(await works(client, closed.client_secret)).to.equal(false);
      const same = await act('update', client, '--no-public');
      expect(same, 'it is not public').to.deep.equal(keys);
      const old = await act('update', client, '--assertion-audience', 'token_endpoint');
      expect(old).to.include({ client_assertion_audience: 'token_endpoint' });
      const usual = await act('update', client, '--no-assertion-audience');
      expect(usual).not.to.have.property('client_assertion_audience');
      const back = await act('update', client, '--no-jwks-uri');
      expect(back).not.to.have.any.keys('jwks_uri', 'token_endpoint_auth_method');
      expect(await works(client, back.client_secret)).to.equal(true);
      const phone = await create('--public');
      const { token_endpoint_auth_method: method } = await act('update', phone, '--no-jwks-uri');
      expect(method).to.equal('none');
    });
  });

  describe('rotate-secret', () => {
    it('shows the new secret once, and when the old one ends', async () => {
      const client = await machine();
      const { client_secret: secret, ...shown } = await act('rotate-secret', client);
      expect(secret)
        .to.match(/^[\w-]{43}$/)
        .and.not.to.equal(client.client_secret);
      const [added, old, ...more] = shown.secrets ?? [];
      expect(more).to.deep.equal([]);
      expect(added?.expires_at).to.equal(null);
      const overlap = Date.parse(old?.expires_at ?? '') - Date.parse(added?.created_at ?? '');
      expect(overlap, 'ttl.client_secret_overlap').to.equal(86_400_000);
      const text = await done(['client', 'show', client.client_id, '--json'], options);
      expect(JSON.parse(text)).to.deep.equal(shown);
      expect(text).not.to.include(String(secret));
      expect(await works(client, secret)).to.equal(true);
      expect(await works(client, client.client_secret)).to.equal(true);
    });

    it('takes another overlap, none included', async () => {
      const client = await machine();
      const { secrets = [] } = await act('rotate-secret', client, '--overlap', '90s');
      const [added, old] = secrets.map((each) => Date.parse(each.expires_at ?? each.created_at));
      expect((old ?? 0) - (added ?? 0)).to.equal(90_000);
      const { client_secret: secret, secrets: left } = await act(
        'rotate-secret',
        client,
        ...['--overlap', '0'],
      );
      expect(left).to.have.length(1);
      expect(await works(client, secret)).to.equal(true);
      for (const text of ['', '-1', '1w', '91d', 'soon', '0.5h']) {
        const args = ['client', 'rotate-secret', client.client_id, `--overlap=${text}`];
        expect(await refused(args, options)).to.match(/^--overlap: /);
      }
      expect(await works(client, secret), 'and nothing was rotated').to.equal(true);
    });

    it('says so when the older of two ends', async () => {
      const client = await machine();
      const rotate = ['client', 'rotate-secret', client.client_id];
      expect(await done(rotate, options)).not.to.include('ended');
      const text = await done(rotate, options);
      expect(text).to.match(/^client_secret +[\w-]{43}$/m);
      expect(text).to.match(/^One older secret has ended now: two live at a time at most\.$/m);
      expect(await works(client, client.client_secret)).to.equal(false);
      const rows = (await eventsOf(client)).filter(
        ({ kind }) => kind === 'admin.client_secret_rotated',
      );
      expect(rows.map(({ detail }) => detail)).to.deep.equal([
        { overlap: 86_400, ended: 0 },
        { overlap: 86_400, ended: 1 },
      ]);
      expect(rows[0]?.actor).to.match(/^cli:/);
    });

    it('ends an old one alone with --revoke-old', async () => {
      const client = await machine();
      const { client_secret: secret } = await act('rotate-secret', client);
      const left = await act('rotate-secret', client, '--revoke-old');
      expect(left).not.to.have.any.keys('client_secret');
      expect(left.secrets).to.have.length(1);
      expect(await works(client, secret)).to.equal(true);
      expect(await works(client, client.client_secret)).to.equal(false);
      const args = ['client', 'rotate-secret', client.client_id, '--revoke-old'];
      expect(await refused(args, options)).to.match(/^The client has only one secret/);
      await misused([...args, '--overlap', '1h'], options);
    });

    it('is refused for clients without a secret', async () => {
      const open = await create('--public');
      const keys = await create('--jwks-uri', 'https://a.example.com/jwks');
      for (const [{ client_id: id }, method] of [
        [open, 'none'],
        [keys, 'private_key_jwt'],
      ] as const) {
        const why = await refused(['client', 'rotate-secret', id], options);
        expect(why).to.equal(`The client has no secret: it authenticates by "${method}".`);
      }
    });
  });

  it('one that is registered anew under its id stays disabled', async () => {
    const { clients } = gatehouse.core;
    const metadata = { client_name: 'Demo', redirect_uris: [REDIRECT_URI] };
    const register = () => clients.create(metadata, { id: 'demo-again', replace: true });
    await register();
    await clients.disable('demo-again');
    const { client } = await register();
    expect(client.disabledAt).to.be.a('number');
    expect(client.revision).to.equal(3);
  });

  it('doctor warns of a public client that signs people in over JSON', async () => {
    const findings = () => doctor(options);
    expect(await findings()).not.to.match(/over JSON/);
    const { client_id: id } = await create('--public', '--first-party', '--direct-sign-in');
    expect(await findings()).to.match(/public clients: .*1 signing in over JSON without a proof/);
    await done(['client', 'delete', id], options);
  });

  it('disables and enables', async () => {
    const client = await machine();
    expect(client.status).to.equal('active');
    const { status } = await act('disable', client);
    expect(status).to.equal('disabled');
    expect(await works(client, client.client_secret)).to.equal(false);
    const table = await done(['client', 'list'], options);
    expect(table).to.match(new RegExp(`^${client.client_id} +App +disabled `, 'm'));
    const again = await refused(['client', 'disable', client.client_id], options);
    expect(again).to.equal('The client is disabled already.');
    expect((await act('enable', client)).status).to.equal('active');
    expect(await works(client, client.client_secret)).to.equal(true);
  });
});
