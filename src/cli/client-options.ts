// What `client create` and `client update` take, in the names of OpenID Dynamic Registration.
import { type Command, Option } from 'commander';
import { readRanges } from '../domain/accounts/address-ranges.ts';
import { CLIENT_ASSERTION_AUDIENCES } from '../domain/clients/assertion-audience.ts';
import { ACR_VALUES } from '../domain/sessions/assurance.ts';

/** False where `--no-…` takes a value away. */
type Given<T> = T | false | undefined;

export interface ClientOptions {
  readonly name?: string;
  readonly redirectUri?: Given<string[]>;
  readonly public?: boolean;
  readonly firstParty?: boolean;
  readonly directSignIn?: boolean;
  readonly rotateRefreshTokens?: boolean;
  readonly postLogoutRedirectUri?: Given<string[]>;
  readonly backchannelLogoutUri?: Given<string>;
  readonly clientUri?: Given<string>;
  readonly initiateLoginUri?: Given<string>;
  readonly jwksUri?: Given<string>;
  readonly assertionAudience?: Given<string>;
  readonly native?: boolean;
  readonly grant?: string[];
  readonly scope?: Given<string>;
  readonly resource?: Given<string[]>;
  readonly requireAcr?: Given<string>;
  readonly requireRole?: Given<string>;
  readonly trustedDevices?: 'yes' | 'no';
  readonly minimalIdToken?: boolean;
  readonly rolesClaim?: Given<string>;
  readonly groupsClaim?: Given<string>;
  readonly idTokenAlg?: Given<string>;
  readonly allowAddress?: Given<string[]>;
  readonly pkce?: boolean;
}

const GRANTS: Readonly<Record<string, string>> = {
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
};

const NAME = ['--name <name>', 'name shown to people'] as const;

/** Without `--no-pkce`, whose name is the same at both commands. */
const OPTIONS: ReadonlyArray<readonly [flags: string, description: string, choices?: string[]]> = [
  ['--redirect-uri <uri...>', 'redirect URI, compared exactly'],
  ['--public', 'a client without a secret (browser, phone)'],
  ['--first-party', "one of your own: people aren't asked for consent"],
  ['--direct-sign-in', 'let this public client sign people in over JSON'],
  ['--rotate-refresh-tokens', 'replace each refresh token when it is used'],
  ['--post-logout-redirect-uri <uri...>', 'where people may be sent after signing out'],
  ['--backchannel-logout-uri <uri>', 'URI notified when a session ends'],
  ['--client-uri <uri>', "homepage, shown when a sign-in can't continue"],
  ['--initiate-login-uri <uri>', 'URI that starts a sign-in at the application'],
  ['--jwks-uri <uri>', 'URI of its public keys; it authenticates with private_key_jwt'],
  [
    '--assertion-audience <whom>',
    'audience of its assertions: only the issuer, or also the token endpoint (older clients)',
    [...CLIENT_ASSERTION_AUDIENCES],
  ],
  ['--native', 'an installed application: a loopback redirect URI matches any port'],
  ['--grant <grant...>', 'grant types (default: authorization_code refresh_token)'],
  ['--scope <scopes>', 'limit it to these scopes'],
  ['--resource <uri...>', 'resources it may request tokens for, or that it serves'],
  ['--require-acr <acr>', 'minimum acr of every sign-in', [...ACR_VALUES]],
  ['--require-role <role>', 'only people with this role may use it'],
  ['--minimal-id-token', 'ID tokens without names and addresses: those come from userinfo'],
  ['--roles-claim <name>', 'what it calls the claim "roles"'],
  ['--groups-claim <name>', 'what it calls the claim "groups"'],
  ['--id-token-alg <alg>', 'how its ID tokens are signed', ['RS256', 'ES256', 'EdDSA']],
  [
    '--allow-address <range...>',
    'networks its own calls may come from (token endpoint, introspection, revocation)',
  ],
];

const TRUSTED_DEVICES = new Option(
  '--trusted-devices <yes|no>',
  'whether a remembered device may stand in for the second factor',
).choices(['yes', 'no']);

const NO_PKCE = new Option('--no-pkce', "don't require PKCE, for older clients");

export function withCreateOptions(command: Command): Command {
  command.requiredOption(...NAME);
  for (const [flags, description, choices] of OPTIONS)
    addOption(command, flags, description, choices);
  return command.addOption(TRUSTED_DEVICES).addOption(NO_PKCE.conflicts('public'));
}

/** Each replaces what it names, lists as a whole; its `--no-…` takes it away. */
export function withUpdateOptions(command: Command): Command {
  command.option(...NAME);
  for (const [flags, description, choices] of OPTIONS) {
    addOption(command, flags, description, choices);
    const [name = ''] = flags.split(' ');
    if (name !== '--grant') command.option(`--no-${name.slice(2)}`, `without ${name}`);
  }
  return command.addOption(TRUSTED_DEVICES).option('--pkce', 'require PKCE').addOption(NO_PKCE);
}

function addOption(command: Command, flags: string, description: string, choices?: string[]): void {
  const option = new Option(flags, description);
  command.addOption(choices ? option.choices(choices) : option);
}

type Metadata = Readonly<Record<string, unknown>>;

export function metadataOf(options: ClientOptions): Metadata {
  const all = { grant: ['authorization_code', 'refresh_token'], redirectUri: [], ...options };
  const { require_pkce: pkce, ...metadata } = changeOf(all);
  const strict = pkce === false ? { require_pkce: false } : {};
  return Object.fromEntries(
    Object.entries({ ...metadata, ...strict }).filter(([, value]) => value !== null),
  );
}

/**
 * What an update replaces; null takes a value away.
 * @param before what is registered so far
 */
export function changeOf(options: ClientOptions, before: Metadata = {}): Metadata {
  const change = {
    client_name: options.name,
    redirect_uris: options.redirectUri === false ? [] : options.redirectUri,
    post_logout_redirect_uris: orNull(options.postLogoutRedirectUri),
    backchannel_logout_uri: orNull(options.backchannelLogoutUri),
    client_uri: orNull(options.clientUri),
    initiate_login_uri: orNull(options.initiateLoginUri),
    client_assertion_audience: orNull(options.assertionAudience),
    scope: orNull(options.scope),
    id_token_signed_response_alg: orNull(options.idTokenAlg),
    first_party: orNull(options.firstParty),
    direct_sign_in: orNull(options.directSignIn),
    rotate_refresh_tokens: orNull(options.rotateRefreshTokens),
    resources: orNull(options.resource),
    require_acr: orNull(options.requireAcr),
    require_role: orNull(options.requireRole),
    trusted_devices: options.trustedDevices && options.trustedDevices === 'yes',
    minimal_id_token: orNull(options.minimalIdToken),
    roles_claim: orNull(options.rolesClaim),
    groups_claim: orNull(options.groupsClaim),
    allowed_addresses: rangesOf(options),
    application_type: kindOf(options),
    require_pkce: options.pkce === true ? null : options.pkce,
    ...grantsOf(options),
    ...authenticationOf(options, before),
  };
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}

function orNull<T>(value: T): T | null {
  return value === false ? null : value;
}

function rangesOf({ allowAddress }: ClientOptions): string[] | null | undefined {
  return allowAddress === false ? null : allowAddress && readRanges(allowAddress);
}

function grantsOf({ grant }: ClientOptions): Metadata {
  if (!grant) return {};
  const types = grant.map((each) => GRANTS[each] ?? each);
  const usesCode = types.includes('authorization_code');
  return { grant_types: types, response_types: usesCode ? ['code'] : [] };
}

/** A client has a secret unless it is public or has keys. */
function authenticationOf(
  { public: isPublic, jwksUri }: ClientOptions,
  { token_endpoint_auth_method: method }: Metadata,
): Metadata {
  if (isPublic) return { token_endpoint_auth_method: 'none', jwks_uri: null };
  if (jwksUri) return { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: jwksUri };
  const isOpened = method === 'none' && isPublic === false;
  const isBack = isOpened || (method === 'private_key_jwt' && jwksUri === false);
  return isBack ? { token_endpoint_auth_method: null, jwks_uri: null } : {};
}

/** RFC 8252: a scheme of its own means an installed application. */
function kindOf({ native, redirectUri }: ClientOptions): string | null | undefined {
  const isInstalled = (redirectUri || []).some((uri) => !/^https?:/.test(uri));
  if (native || isInstalled) return 'native';
  return native === false ? null : undefined;
}
