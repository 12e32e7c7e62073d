// Every option of Gatehouse: the zod schema is the type, and its descriptions are the reference.
import { z } from 'zod';
import { isPostgresUrl, PostgresUrlError, parsePostgresUrl } from '../lib/postgres-url.ts';
import { ATTRIBUTE_TYPES, FIXED_CLAIMS, STANDARD_ATTRIBUTES } from './standard-attributes.ts';

const DAY = 86_400;
const seconds = (description: string, max = 400 * DAY) =>
  z.number().int().min(1).max(max).describe(`${description}, in seconds`);
/** The first is the default of relying parties. */
export const SIGNING_ALGS = ['RS256', 'ES256', 'EdDSA'] as const;
export type SigningAlg = (typeof SIGNING_ALGS)[number];
const signingAlg = z.enum(SIGNING_ALGS);

/** Claims that mean something to the protocol, and those that accounts have anyway. */
const TAKEN: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'exp', 'iat', 'nbf', 'jti', 'azp', 'nonce', 'at_hash', 'c_hash', 's_hash'],
  ...[
    'client_id',
    'scope',
    'cnf',
    'act',
    'events',
    'id',
    'role',
    'status',
    'phone_number_verified',
  ],
  ...Object.values(FIXED_CLAIMS).flat(),
  ...STANDARD_ATTRIBUTES.map(({ name }) => name),
]);

const failures = (description: string) =>
  z.number().int().min(1).max(1_000_000).describe(description);
const bits = (max: number, description: string) =>
  z.number().int().min(8).max(max).describe(description);

const limits = z.strictObject({
  sign_in: z.strictObject({
    failures: failures('Failures of an identifier from one address range in a window'),
    window: seconds('Length of the window, which starts with the first failure', DAY),
    lockout_after: failures('Failures over all windows that start the first lockout').min(2),
    lockout_every: failures('Further failures that start another one'),
    lockout: seconds('A lockout', 30 * DAY),
    quiet: seconds('Quiet time after which failures are forgotten'),
  }),
  pace: z
    .strictObject({
      first: seconds('First pause between two attempts by unknown browsers from one address', 3600),
      longest: seconds('The longest pause', 3600),
      doubles_every: failures('Further failures that double the pause'),
    })
    .refine(({ first, longest }) => longest >= first, {
      path: ['longest'],
      message: 'must not be shorter than limits.pace.first',
    }),
  fingerprint: z.strictObject({
    failures: failures(
      'Failures of one address over any identifiers and User-Agents that pace it: `limits.pace`',
    ),
    window: seconds('The window', DAY),
  }),
  range: z.strictObject({
    failures: failures('Failures of one address range over any identifiers that pace it'),
    window: seconds('The window', DAY),
    ipv4: bits(32, 'Leading bits that make a range of IPv4 addresses'),
    ipv6: bits(128, 'Leading bits that make a range of IPv6 addresses'),
  }),
  slowdown: z.strictObject({
    failures: failures('Failures of an identifier from anywhere that slow strangers down').min(2),
    window: seconds('The window', DAY),
    first: seconds('The first pause between two attempts, doubled by each failure', DAY),
    longest: seconds('The longest pause', DAY),
  }),
  known_browsers: z.strictObject({
    per_account: z.number().int().min(1).max(1000).describe('How many an account has at most'),
    lifetime: seconds('A known browser since its last sign-in'),
    codes: failures(
      'Wrong second-factor codes of its own in `limits.codes.window`, once it has had a right one',
    ),
  }),
  codes: z.strictObject({
    failures: failures('Wrong second-factor codes of an account in a window'),
    window: seconds('The window', DAY),
    ceiling: failures('Wrong codes of an account in a window, those in known browsers included'),
    consecutive: failures('Wrong codes in a row after which only a backup code opens'),
  }),
  password_changes: z.strictObject({
    attempts: failures('Wrong current passwords and changes of an account in a window'),
    window: seconds('The window', DAY),
  }),
  texts: z.strictObject({
    pause: seconds('Between two text messages to one account', DAY),
    requests: failures('Text messages to one account in a window'),
    window: seconds('The window', DAY),
    per_number: failures('Text messages to one number in `limits.texts.number_window`'),
    number_window: seconds('The window of a number', 7 * DAY),
  }),
  mails: z.strictObject({
    requests: failures('Emails that anyone can request for one mailbox per window'),
    per_range: failures('Such emails that one address range can request per window'),
    window: seconds('The window', DAY),
  }),
  links: z.strictObject({
    failures: failures('Wrong one-time links of one address range in a window'),
    window: seconds('The window', DAY),
  }),
  client_secrets: z.strictObject({
    failures: failures('Wrong client secrets of one address range in a window'),
    window: seconds('The window', DAY),
  }),
  user_codes: z.strictObject({
    failures: failures('Wrong codes of devices of one address range in a window'),
    window: seconds('The window', DAY),
  }),
  open_requests: z.strictObject({
    requests: failures(
      'Requests from one address range, or from a known browser, that wait for a person in a window',
    ),
    window: seconds('The window', DAY),
  }),
});

const time = (description: string) =>
  z.iso.datetime({ offset: true }).describe(`${description}, as in \`2027-01-31T00:00:00Z\``);

const mfa = z.strictObject({
  required: z.boolean().describe('Whether everyone needs a second factor'),
  required_since: time(
    'Accounts created before this time get a grace period; default: the first start',
  ).optional(),
  grace_days: z
    .number()
    .int()
    .min(0)
    .max(365)
    .describe('Length of the grace period in days, from the first sign-in under the rule'),
  grace_ends: time(
    'Fixed end of the grace period for everyone, instead of `mfa.grace_days`',
  ).optional(),
});

const describe = z.string().trim().min(1).max(100);
const resource = z
  .strictObject({
    identifier: z.url().describe('The absolute URI that clients name as `resource`'),
    name: describe.optional().describe('What people read where they allow the access'),
    scopes: z
      .array(
        z
          .string()
          .regex(
            /^[\x21\x23-\x5b\x5d-\x7e]+$/,
            'must be one scope: printable ASCII without spaces and quotes',
          ),
      )
      .describe('Scopes it supports'),
    descriptions: z
      .record(z.string(), describe)
      .optional()
      .describe(
        'What people read for a scope, by its name: `{ "orders:read": "See your orders" }`',
      ),
    signing_alg: signingAlg.default('RS256').describe('How its JWT access tokens are signed'),
    token_format: z.enum(['jwt', 'opaque']).default('jwt').describe('Format of its access tokens'),
    claims: z
      .array(z.string())
      .optional()
      .describe(
        'Claims about people that its JWTs carry where their scope was granted; `email` and `name` when left out',
      ),
  })
  .superRefine(({ scopes, descriptions = {} }, { addIssue }) => {
    for (const name of Object.keys(descriptions)) {
      if (scopes.includes(name)) continue;
      addIssue({ code: 'custom', path: ['descriptions', name], message: 'is none of its scopes' });
    }
  });

const attribute = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be lower-case letters, digits and _')
    .refine((name) => !TAKEN.has(name), 'is a standard attribute or claim: choose another name')
    .describe('Its name in commands, imports and the API'),
  label: describe.describe('What people read for it'),
  type: z.enum(ATTRIBUTE_TYPES).describe('What its values are; `list` holds texts'),
  scope: z
    .string()
    .regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'must be one scope')
    .refine((scope) => !['openid', 'offline_access'].includes(scope), 'is not about a person')
    .describe('The scope that releases it to applications'),
  claim: z
    .string()
    .min(1)
    .max(200)
    .refine((claim) => !TAKEN.has(claim), 'is a claim that Gatehouse sets: choose another one')
    .optional()
    .describe('The claim that carries it; its name when left out'),
  editable_by: z.enum(['person', 'operator']).describe('Who may change it'),
});

const asPreset = 'as the preset says when unset';
const rule = (description: string) =>
  z.boolean().optional().describe(`${description}; ${asPreset}`);
const codePoints = (description: string) =>
  z.number().int().min(8).max(256).optional().describe(`${description}; ${asPreset}`);

/** What one version of the password policy says. */
const passwordPolicy = {
  preset: z
    .enum(['composition', 'standards'])
    .describe(
      '`composition`: 12 characters of four kinds; `standards`: NIST SP 800-63B-4 and ASVS 5, 15 characters and blocklists',
    ),
  min_length: codePoints('Minimum length in Unicode code points'),
  max_length: codePoints('Maximum length in Unicode code points'),
  uppercase: rule('Whether an uppercase letter is required'),
  lowercase: rule('Whether a lowercase letter is required'),
  digit: rule('Whether a digit is required'),
  special: rule('Whether a special character is required'),
  listed: rule('Whether common passwords and dictionary words are refused'),
  personal: rule("Whether passwords containing the person's email address or name are refused"),
  runs: rule('Whether runs of 4 such as 1234 or qwer are refused'),
  repeats: rule('Whether a character repeated 4 times in a row is refused'),
};

const policyVersion = (description: string) =>
  z.number().int().min(1).max(1_000_000).describe(description);

const announcedPolicy = z
  .strictObject({
    version: policyVersion('Version number, above that of the current policy'),
    enforced_from: z.iso
      .datetime({ offset: true })
      .describe("When it's enforced at sign-in, such as `2027-01-31T00:00:00Z`"),
    ...passwordPolicy,
  })
  .describe(
    "The next policy: new passwords must meet both, people are informed, and it's enforced from its date",
  );

function whyNoDatabase(url: string): string | undefined {
  if (/^sqlite:[^:]/.test(url)) return undefined;
  if (!isPostgresUrl(url)) return 'must be sqlite:PATH or postgres://…';
  try {
    parsePostgresUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof PostgresUrlError) return error.message;
    throw error;
  }
}

export const schema = z.strictObject({
  env: z.enum(['development', 'test', 'production']).describe('NODE_ENV'),
  issuer: z
    .url({ protocol: /^https?$/, abort: true })
    .refine((value) => URL.parse(value)?.origin === value, 'must be an origin: no path, no slash')
    .describe('ISSUER: the public address, with no path'),
  host: z.string().min(1).describe('HOST: the address to listen on'),
  port: z.number().int().min(0).max(65_535).describe('PORT: the port to listen on'),
  data_dir: z
    .string()
    .min(1)
    .describe('DATA_DIR: the database, the master key of development, `demo.json`, messages'),
  database_url: z
    .string()
    .superRefine((value, { addIssue }) => {
      const message = whyNoDatabase(value);
      if (message !== undefined) addIssue({ code: 'custom', message });
    })
    .optional()
    .describe('DATABASE_URL: `sqlite:PATH` or `postgres://…`; SQLite in DATA_DIR when unset'),
  secret: z
    .string()
    .min(32, 'must be at least 32 characters: try `openssl rand -base64 48`')
    .optional()
    .describe('GATEHOUSE_SECRET or GATEHOUSE_SECRET_FILE: the master key'),
  workers: z.number().int().min(1).max(256).describe('WORKERS: processes on this port'),
  trusted_proxies: z
    .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
    .describe('TRUSTED_PROXIES: proxies whose X-Forwarded-For is trusted'),
  log_level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .describe('LOG_LEVEL'),
  test_clock: z.boolean().describe('TEST_CLOCK=1: a clock that tests can move'),
  product: z.strictObject({
    name: z
      .string()
      .min(1)
      .max(60)
      .describe('Product name shown on pages and in authenticator apps'),
  }),
  support: z.strictObject({
    contact: z.string().max(200).describe('Contact shown to people who lost a device'),
  }),
  admin: z.strictObject({
    email: z
      .union([z.literal(''), z.email()])
      .describe('Email of the first administrator, created at the first start; none if empty'),
  }),
  demo: z.strictObject({
    enabled: z.boolean().describe('Whether the demo application runs (development only)'),
    port: z.number().int().min(0).max(65_535).describe('DEMO_PORT'),
  }),
  store: z.strictObject({
    pool: z
      .number()
      .int()
      .min(1)
      .max(500)
      .describe('PostgreSQL connections of one process; pages and sign-ins get half'),
    timeout: seconds('How long a statement can take before its connection is closed', 300),
  }),
  hashing: z.strictObject({
    memory: z
      .number()
      .int()
      .min(8)
      .max(2_097_152)
      .describe('argon2id memory in KiB; outside of tests 19456 at least'),
    passes: z
      .number()
      .int()
      .min(1)
      .max(20)
      .describe('argon2id passes; outside of tests 2 at least'),
    parallelism: z.number().int().min(1).max(16).describe('argon2id lanes'),
    at_once: z.number().int().min(0).max(256).describe('Hashes at once; 0: one per core'),
    queue: z.number().int().min(0).max(100_000).describe('Hashes that may wait; past it 503'),
    queue_per_range: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .describe('Hashes that may wait for one address range (`limits.range`); past it 503'),
  }),
  password: z
    .strictObject({
      version: policyVersion('Number of the policy; raised with each change of its rules'),
      ...passwordPolicy,
      announced: announcedPolicy.optional(),
      refusal_min_ms: z
        .number()
        .int()
        .min(0)
        .max(5_000)
        .describe('Minimum time in milliseconds before a wrong password is answered'),
      candidates: z
        .number()
        .int()
        .min(1)
        .max(1_000)
        .describe('New passwords that can be tried in one sign-in'),
    })
    .refine(({ version, announced }) => !announced || announced.version > version, {
      path: ['announced', 'version'],
      message: 'must be above password.version',
    }),
  ttl: z.strictObject({
    access_token: seconds('Access tokens'),
    id_token: seconds('ID tokens'),
    code: seconds('Authorization codes', 600),
    refresh_token: seconds('A refresh token from its own issue'),
    offline_family: seconds('A family of refresh tokens where offline_access was consented'),
    session: seconds('A session, absolutely'),
    session_idle: seconds('A session without use'),
    interaction: seconds('An authorization request that waits for a person', DAY),
    sign_in: seconds('A half-done sign-in', DAY),
    device_code: seconds('A device code', 3600),
    reset_link: seconds('A link that resets a password', DAY),
    client_secret_overlap: seconds('The old secret of a client after it got a new one', 90 * DAY),
    not_me_link: seconds('The link `This wasn’t me` in the mail about a new browser', 30 * DAY),
    invitation: seconds('A link that invites to a new account', 30 * DAY),
  }),
  refresh: z.strictObject({
    reuse_interval: z
      .number()
      .int()
      .min(0)
      .max(60)
      .describe(
        'Seconds in which a replaced refresh token still gets tokens: for a lost answer or parallel requests. 0 switches it off.',
      ),
  }),
  keys: z.strictObject({
    publish_ahead: z
      .number()
      .int()
      .min(60)
      .max(30 * DAY)
      .describe(
        'How long a new signing key is published before it signs, in seconds: longer than any application or API keeps the JWKS. Ours may be cached for 60 s; libraries keep it for 5 to 10 minutes whatever we say, and some load it no sooner for a key they do not know',
      ),
  }),
  mfa,
  device: z.strictObject({
    days: z.number().int().min(1).max(365).describe('Days for which a device is remembered'),
  }),
  sign_in: z.strictObject({
    open_per_browser: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .describe('Open sign-ins of one browser; when one more begins, the oldest is closed'),
  }),
  limits,
  resources: z.array(resource).describe('APIs that access tokens are made for'),
  attributes: z
    .array(attribute)
    .superRefine((all, { addIssue }) => {
      for (const field of ['name', 'claim'] as const) {
        const values = all.map((each) => each[field] ?? each.name);
        const twice = values.findIndex((value, at) => values.indexOf(value) < at);
        if (twice === -1) continue;
        addIssue({ code: 'custom', path: [twice, field], message: 'is there twice' });
      }
    })
    .describe('What accounts say about their people, beside the standard claims'),
  api: z.strictObject({
    default_client_id: z
      .string()
      .describe('The public client that signs people in over JSON where a request names none'),
  }),
  outgoing: z.strictObject({
    allow_private: z
      .boolean()
      .describe(
        'Whether calls to relying parties and the SMS webhook may reach private and loopback addresses',
      ),
    timeout: seconds('How long such a call may take', 60),
  }),
  mail: z.strictObject({
    smtp_url: z
      .url({ protocol: /^smtps?$/, hostname: /./ })
      .optional()
      .describe('SMTP_URL or SMTP_URL_FILE: `smtp://USER:PASSWORD@HOST:PORT` or `smtps://…`'),
    from: z.email().optional().describe('The address that mails come from'),
    timeout: seconds('How long the delivery of one mail may take', 25),
  }),
  notices: z.strictObject({
    new_browser: z
      .boolean()
      .describe('Whether people are mailed about a sign-in from a browser that is new to them'),
  }),
  sms: z.strictObject({
    enabled: z.boolean().describe('Whether text messages are offered for codes'),
    webhook_url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe('Where text messages are posted to, to be sent from there'),
    webhook_secret: z
      .string()
      .min(32, 'must be at least 32 characters: try `openssl rand -base64 48`')
      .optional()
      .describe('SMS_WEBHOOK_SECRET or SMS_WEBHOOK_SECRET_FILE: what signs these posts'),
  }),
  http: z.strictObject({
    connections: z.number().int().min(10).max(1_000_000).describe('Open connections at most'),
    connections_per_address: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .describe(
        'Open connections of one address at most (of one /64 in IPv6), except for TRUSTED_PROXIES',
      ),
    headers_timeout: seconds('How long request headers may take', 60),
    request_timeout: seconds('How long a whole request may take', 300),
    stop_delay: z
      .number()
      .int()
      .min(0)
      .max(300)
      .describe(
        'How long a stop waits before the port closes, in seconds: `/health/ready` says 503 meanwhile, and everything is served. Longer than a proxy takes to notice',
      ),
    stop_timeout: seconds(
      'How long running requests may take at a stop, once the port is closed',
      300,
    ),
  }),
});

export type Config = z.infer<typeof schema>;
export type LimitsConfig = Config['limits'];
export type MailConfig = Config['mail'];
export type MfaConfig = Config['mfa'];
export type SmsConfig = Config['sms'];
export type Resource = Config['resources'][number];
export type PasswordSettings = Config['password'];
