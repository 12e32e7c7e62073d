// What a command made a moment ago: a key, and perhaps a secret for codes, shown this once.
import type { Core } from '../../app.ts';
import type {
  CreatedKey,
  ServiceAccount,
  ServiceAccountTotp,
} from '../../service-accounts/service-accounts.ts';
import { noteOtherIssuer } from '../other-issuer.ts';
import { print, printFields, printJson } from '../output.ts';
import { writeKeyFile } from './key-file.ts';
import { describeKey, type Printing, tokenEndpoint } from './output.ts';

export interface Made extends CreatedKey {
  readonly account: ServiceAccount;
  readonly totp: ServiceAccountTotp | undefined;
}

export interface MadeOptions extends Printing {
  readonly keyFile?: string;
}

/** Prints what `make` makes, and keeps what is secret in the key file where one is named. */
export async function showMade(
  core: Core,
  options: MadeOptions,
  make: () => Promise<Made>,
): Promise<void> {
  const { keyFile } = options;
  const written = async (): Promise<[Made, string]> => {
    const made = await make();
    return [made, `${JSON.stringify(documentOf(core, made), null, 2)}\n`];
  };
  const made = keyFile === undefined ? await make() : await writeKeyFile(keyFile, written);
  if (options.json) printJson(printed(core, made, keyFile));
  else await showForPeople(core, made, keyFile);
  await noteOtherIssuer(core);
}

function documentOf({ config }: Core, made: Made) {
  return { ...publicPart(config.issuer, made), ...secretPart(made) };
}

function publicPart(issuer: string, { account, key }: Made) {
  const { id, name, scopes, resources, addresses } = account;
  const { kid, alg, expires_at } = describeKey(key);
  return {
    id,
    kid,
    alg,
    name,
    issuer,
    token_endpoint: tokenEndpoint({ issuer }),
    scope: scopes.join(' '),
    resources,
    allowed_addresses: addresses,
    expires_at,
  };
}

function secretPart({ privateKey, totp }: Made) {
  return {
    ...(privateKey === undefined ? {} : { private_key: privateKey }),
    ...(totp ? { totp_secret: totp.secret, otpauth_url: totp.uri } : {}),
  };
}

function printed(core: Core, made: Made, keyFile: string | undefined) {
  if (keyFile === undefined) return documentOf(core, made);
  return { ...publicPart(core.config.issuer, made), key_file: keyFile };
}

async function showForPeople(core: Core, made: Made, keyFile: string | undefined) {
  const { private_key: privateKey, ...fields } = printed(core, made, keyFile) as Record<
    string,
    unknown
  >;
  printFields({ ...fields, scope: fields.scope || '–' });
  if (keyFile !== undefined) print(`\n${KEPT}`);
  else if (privateKey !== undefined) print(`\n${ONCE}\n\n${privateKey}`);
  else if (made.totp) print(`\n${SECRET_ONCE}`);
  print(`\n${await invitation(core, made)}`);
}

const KEPT =
  'What is secret stands in the key file, which only this user can read, and nowhere else.';
const ONCE =
  'This is the private key. It is shown this once and kept nowhere: put it where its machine\n' +
  'alone can read it (a file of mode 0600), or let --key-file write such a file next time.';
const SECRET_ONCE =
  'The secret for codes is shown this once: put it where its machine alone can read it.';

async function invitation(core: Core, made: Made): Promise<string> {
  const { account, totp, privateKey } = made;
  const needsCode = await core.serviceAccounts.hasTotp(account.id);
  const sample = { ...made, totpSecret: totp?.secret, needsCode };
  // Loaded here alone: `--help` need not wait for what signs.
  const { requestLine } = await import('./request.ts');
  return `${howLong(privateKey, totp, needsCode)}\n\n${await requestLine(sample, core.config)}`;
}

function howLong(
  privateKey: unknown,
  totp: ServiceAccountTotp | undefined,
  needsCode: boolean,
): string {
  const code = needsCode ? describeCode(totp) : '';
  return privateKey === undefined
    ? `Sign an assertion with the private key, put it in the place of ASSERTION${code}, and ask:`
    : `Asks for a token, once, within five minutes${code}:`;
}

function describeCode(totp: ServiceAccountTotp | undefined): string {
  return totp ? ' (its code is good for half a minute)' : ', with the current code for CODE';
}
