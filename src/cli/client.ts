// gatehouse client …: relying parties.
import { Command, Option } from 'commander';
import { ACR_VALUES } from '../domain/assurance.ts';
import { toIso } from '../lib/clock.ts';
import type { StoredClient } from '../store/clients.ts';
import { withHouse } from './house.ts';
import { print, printFields, printJson, printTable } from './output.ts';

interface CreateOptions {
  readonly name: string;
  readonly redirectUri?: string[];
  readonly public?: boolean;
  readonly firstParty?: boolean;
  readonly postLogoutRedirectUri?: string[];
  readonly backchannelLogoutUri?: string;
  readonly clientUri?: string;
  readonly initiateLoginUri?: string;
  readonly jwksUri?: string;
  readonly native?: boolean;
  readonly grant?: string[];
  readonly scope?: string;
  readonly resource?: string[];
  readonly requireAcr?: string;
  readonly idTokenAlg?: string;
  readonly pkce: boolean;
  readonly json?: boolean;
}

interface Printing {
  readonly json?: boolean;
}

const GRANTS: Readonly<Record<string, string>> = {
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
};

export function clientCommands(): Command {
  const command = new Command('client').description('register and look up relying parties');
  command.addCommand(createCommand());
  command
    .command('list')
    .description('list all clients')
    .option('--json', 'print JSON')
    .action(list);
  command
    .command('show <client-id>')
    .description('show one client')
    .option('--json', 'print JSON')
    .action((id: string, options: Printing) =>
      withHouse(async ({ clients }) => show(describe(await clients.get(id)), options)),
    );
  command
    .command('delete <client-id>')
    .description('delete a client; its tokens stop working')
    .action((id: string) =>
      withHouse(async ({ clients }) => {
        await clients.delete(id);
        print(`Deleted ${id}.`);
      }),
    );
  return command;
}

function createCommand(): Command {
  const algorithms = new Option('--id-token-alg <alg>', 'how its ID tokens are signed');
  const assurance = new Option('--require-acr <acr>', 'what every sign-in for it must reach');
  const noPkce = new Option('--no-pkce', 'for old clients that cannot do PKCE');
  return new Command('create')
    .description('register a client; its secret is shown once')
    .requiredOption('--name <name>', 'what people read on the pages')
    .option('--redirect-uri <uri...>', 'where answers may go, to the letter')
    .option('--public', 'a client without a secret (browser, phone)')
    .option('--first-party', 'one of our own: people are not asked for consent')
    .option('--post-logout-redirect-uri <uri...>', 'where people may go after signing out')
    .option('--backchannel-logout-uri <uri>', 'told when a session ends')
    .option('--client-uri <uri>', 'its own address: where people go who have lost their way')
    .option('--initiate-login-uri <uri>', 'where it starts a sign-in by itself')
    .option('--jwks-uri <uri>', 'its public keys: it authenticates by private_key_jwt')
    .option('--native', 'an installed application: any port of a loopback redirect URI')
    .option('--grant <grant...>', 'grant types (authorization_code and refresh_token if none)')
    .option('--scope <scopes>', 'the only scopes it may ask for')
    .option('--resource <uri...>', 'the only resources it may ask tokens for')
    .addOption(assurance.choices(ACR_VALUES))
    .addOption(algorithms.choices(['RS256', 'ES256', 'EdDSA']))
    .addOption(noPkce.conflicts('public'))
    .option('--json', 'print JSON')
    .action((options: CreateOptions) =>
      withHouse(async ({ clients }) => {
        const { client, secret } = await clients.create(metadataOf(options));
        show({ ...describe(client), ...(secret ? { client_secret: secret } : {}) }, options);
      }),
    );
}

/** In the names of OpenID Connect Dynamic Registration. */
function metadataOf(options: CreateOptions): Record<string, unknown> {
  const grants = options.grant?.map((grant) => GRANTS[grant] ?? grant);
  const grantTypes = grants ?? ['authorization_code', 'refresh_token'];
  const usesCode = grantTypes.includes('authorization_code');
  const metadata = {
    client_name: options.name,
    redirect_uris: options.redirectUri ?? [],
    grant_types: grantTypes,
    response_types: usesCode ? ['code'] : [],
    post_logout_redirect_uris: options.postLogoutRedirectUri,
    backchannel_logout_uri: options.backchannelLogoutUri,
    client_uri: options.clientUri,
    initiate_login_uri: options.initiateLoginUri,
    jwks_uri: options.jwksUri,
    token_endpoint_auth_method: authenticationOf(options),
    application_type: isInstalled(options) ? 'native' : undefined,
    scope: options.scope,
    id_token_signed_response_alg: options.idTokenAlg,
    first_party: options.firstParty,
    resources: options.resource,
    require_acr: options.requireAcr,
    require_pkce: options.pkce ? undefined : false,
  };
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}

function authenticationOf(options: CreateOptions): string | undefined {
  if (options.public) return 'none';
  return options.jwksUri ? 'private_key_jwt' : undefined;
}

/** RFC 8252: a scheme of its own means an installed application. */
function isInstalled({ native, redirectUri = [] }: CreateOptions): boolean {
  return native === true || redirectUri.some((uri) => !/^https?:/.test(uri));
}

function describe({ id, metadata, createdAt }: StoredClient): Record<string, unknown> {
  return { client_id: id, ...metadata, created_at: toIso(createdAt) };
}

function show(client: Record<string, unknown>, { json }: Printing): void {
  if (json) printJson(client);
  else printFields(client);
}

function list({ json }: Printing): Promise<void> {
  return withHouse(async ({ clients }) => {
    const described = [];
    for await (const client of clients.list()) described.push(describe(client));
    if (json) printJson(described);
    else
      printTable(
        described.map(({ client_id, client_name, created_at }) => ({
          client_id,
          client_name,
          created_at,
        })),
      );
  });
}
