// gatehouse client …, beside a server that runs on the same database.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  REDIRECT_URI,
  type RelyingParty,
  relyingParty,
  signIn,
} from '../support/relying-party.ts';
import { onOneStore, SQLITE, type TestDatabase } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';
import { done, json, refused } from './helpers.ts';

interface ClientJson {
  readonly client_id: string;
  readonly client_secret?: string;
  readonly [name: string]: unknown;
}

onOneStore('gatehouse client', (store) => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  before(async () => {
    gatehouse = await startGatehouse({ store });
    options = { database: gatehouse.database };
  });
  after(() => gatehouse.stop());

  const create = (...more: string[]) =>
    json<ClientJson>(['client', 'create', '--name', 'App', ...more], options);

  const partyOf = ({ client_id: id, client_secret: secret }: ClientJson): RelyingParty =>
    relyingParty(gatehouse.url, id, secret);

  it('makes a client that people can sign in with, and shows its secret once', async () => {
    const client = await create('--redirect-uri', REDIRECT_URI);
    expect(client.client_secret).to.match(/^[\w-]{43}$/);
    const { client_secret: secret, ...shown } = client;
    const again = await done(['client', 'show', client.client_id, '--json'], options);
    expect(JSON.parse(again)).to.deep.equal(shown);
    expect(shown.secrets).to.deep.equal([{ created_at: shown.created_at, expires_at: null }]);
    const { secrets } = await gatehouse.core.clients.get(client.client_id);
    const hidden = [String(secret), String(secrets[0]?.digest)];
    for (const each of hidden) expect(again).not.to.include(each);
    const list = await done(['client', 'list', '--json'], options);
    expect(JSON.parse(list)).to.deep.include(shown);
    for (const each of hidden) expect(list).not.to.include(each);
    const { tokens } = await signIn(gatehouse, partyOf(client), await createPerson(gatehouse));
    expect(tokens).to.include.keys(['id_token', 'refresh_token']);
  });

  it('deletes a client, whose tokens stop working', async () => {
    const client = await create('--redirect-uri', REDIRECT_URI);
    const party = partyOf(client);
    const { tokens, web } = await signIn(gatehouse, party, await createPerson(gatehouse));
    expect(await done(['client', 'delete', client.client_id], options)).to.equal(
      `Deleted ${client.client_id}.\n`,
    );
    expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
    const refresh = await party.refresh(tokens.refresh_token ?? '');
    expect(refresh.status).to.equal(401);
    expect(refresh.body.error).to.equal('invalid_client');
    const page = await web.get(party.url().url);
    expect(page.status).to.equal(400);
    expect(page.text).to.include('invalid_client');
    await refused(['client', 'show', client.client_id], options);
  });

  it('refuses unknown ids', async () => {
    for (const id of ['app_unknown', "' or '1'='1", 'ä\n']) {
      const said = id.replace('\n', ' ');
      for (const command of ['show', 'delete', 'rotate-secret', 'disable', 'enable']) {
        const why = await refused(['client', command, id], options);
        expect(why).to.equal(`No client found for "${said}".`);
      }
    }
  });
});

describe('what gatehouse client create takes', () => {
  let gatehouse: Gatehouse;
  let options: { readonly database: TestDatabase };
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
    options = { database: gatehouse.database };
  });
  after(() => gatehouse.stop());

  const create = (...args: string[]) => json<ClientJson>(['client', 'create', ...args], options);

  it('prints every option in the names of OpenID Dynamic Registration', async () => {
    const client = await create(
      ...['--name', 'Everything', '--first-party', '--scope', 'openid email read'],
      ...['--redirect-uri', 'https://a.example.com/cb', 'https://b.example.com/cb'],
      ...['--post-logout-redirect-uri', 'https://a.example.com/'],
      ...['--backchannel-logout-uri', 'https://a.example.com/logout'],
      ...['--grant', 'authorization_code', 'device_code', '--id-token-alg', 'ES256'],
      ...['--resource', 'https://api.example.com/', '--no-pkce'],
      ...['--require-acr', 'urn:gatehouse:acr:mfa', '--assertion-audience', 'token_endpoint'],
    );
    expect(client).to.deep.include({
      client_name: 'Everything',
      first_party: true,
      scope: 'openid email read',
      redirect_uris: ['https://a.example.com/cb', 'https://b.example.com/cb'],
      post_logout_redirect_uris: ['https://a.example.com/'],
      backchannel_logout_uri: 'https://a.example.com/logout',
      backchannel_logout_session_required: true,
      grant_types: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
      resources: ['https://api.example.com/'],
      require_pkce: false,
      require_acr: 'urn:gatehouse:acr:mfa',
      client_assertion_audience: 'token_endpoint',
    });
  });

  it('makes public, native and machine clients', async () => {
    const spa = await create('--name', 'SPA', '--public', '--redirect-uri', REDIRECT_URI);
    expect(spa)
      .to.include({ token_endpoint_auth_method: 'none' })
      .and.not.to.have.any.keys(['client_secret', 'application_type']);
    const phone = ['--name', 'Phone', '--public', '--redirect-uri', 'com.example.app:/cb'];
    expect(await create(...phone)).to.include({ application_type: 'native' });
    const machine = await create('--name', 'Machine', '--grant', 'client_credentials');
    expect(machine).to.deep.include({ redirect_uris: [], response_types: [] });
    const party = relyingParty(gatehouse.url, machine.client_id, machine.client_secret);
    const answer = await party.token({ grant_type: 'client_credentials' });
    expect(answer.status).to.equal(200);
  });

  it('prints for people without --json', async () => {
    const args = ['client', 'create', '--name', 'Plain', '--redirect-uri', REDIRECT_URI];
    const text = await done(args, options);
    expect(text)
      .to.match(/^client_name +Plain$/m)
      .and.to.match(/^client_secret +[\w-]{43}$/m);
    const table = await done(['client', 'list'], options);
    expect(table).to.match(/^client_id +client_name +status +created_at$/m);
    expect(table).to.match(/^app_\S+ +Plain +active +20\S+Z$/m);
  });

  const bad: ReadonlyArray<readonly [args: readonly string[], says: RegExp]> = [
    [['--redirect-uri', 'not a uri'], /^redirect_uris/],
    [['--redirect-uri', 'javascript:alert(1)'], /^redirect_uris/],
    [['--redirect-uri', 'https://a.example.com/#fragment'], /^redirect_uris/],
    [['--redirect-uri', REDIRECT_URI, 'data:,x'], /^redirect_uris/],
    [['--redirect-uri', ''], /^redirect_uris/],
    [[], /^An application that signs people in needs --redirect-uri\. .*--grant/],
    [['--redirect-uri', REDIRECT_URI, '--grant', 'implicit'], /^grant_types/],
    [['--redirect-uri', REDIRECT_URI, '--backchannel-logout-uri', 'x'], /^backchannel_logout_uri/],
    [['--redirect-uri', REDIRECT_URI, '--post-logout-redirect-uri', 'x'], /^post_logout_/],
  ];

  it('refuses what cannot be registered, and registers nothing', async () => {
    for (const [args, says] of bad) {
      const why = await refused(['client', 'create', '--name', 'Bad', ...args, '--json'], options);
      expect(why, args.join(' ')).to.match(says);
    }
    const names = [];
    for await (const { metadata } of gatehouse.core.clients.list())
      names.push(metadata.client_name);
    expect(names).not.to.include('Bad');
  });

  it('does as --no-pkce and --first-party say', async () => {
    const uri = ['--redirect-uri', REDIRECT_URI];
    const strict = await create('--name', 'Strict', ...uri);
    const old = await create('--name', 'Old', '--no-pkce', '--first-party', ...uri);
    const without = { code_challenge: undefined, code_challenge_method: undefined };
    const web = createWeb(gatehouse.url);
    const refusedPage = await web.get(partyAt(gatehouse, strict).url(without).url);
    expect(refusedPage.url.searchParams.get('error')).to.equal('invalid_request');
    const person = await createPerson(gatehouse);
    const page = await web.get(partyAt(gatehouse, old).url(without).url);
    const { email, password } = person;
    const last = await web.submit(page, '/prove/password', { email, password });
    expect(last.url.href, 'no consent between').to.match(
      /^https:\/\/app\.example\.com\/callback\?/,
    );
    expect(last.url.searchParams.get('code')).to.be.a('string');
  });
});

function partyAt({ url }: Gatehouse, client: ClientJson): RelyingParty {
  return relyingParty(url, client.client_id, client.client_secret);
}
