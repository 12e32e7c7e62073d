// A line that asks for a token, ready to be pasted: the private key is at hand this once.
import { importPKCS8, SignJWT } from 'jose';
import { generateSync } from 'otplib';
import type { Config } from '../../config/schema.ts';
import { allResources, ownApi } from '../../domain/clients/resources.ts';
import { nowSeconds } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { CreatedKey, ServiceAccount } from '../../service-accounts/service-accounts.ts';
import { tokenEndpoint } from './output.ts';

export interface Sample extends CreatedKey {
  readonly account: ServiceAccount;
  /** Base32, where it was made a moment ago. */
  readonly totpSecret: string | undefined;
  readonly needsCode: boolean;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Seconds: as long as an assertion may be good for. */
const LIFETIME = 300;

export async function requestLine(sample: Sample, config: Config): Promise<string> {
  const { resource, scope } = askedFor(sample.account, config);
  return [
    `curl -sS ${quoted(tokenEndpoint(config))}`,
    `-d grant_type=${GRANT}`,
    `-d assertion=${await assertionOf(sample, config)}`,
    ...(sample.needsCode ? [`-d mfa_code=${codeOf(sample)}`] : []),
    ...(scope ? [`--data-urlencode ${quoted(`scope=${scope}`)}`] : []),
    ...(resource ? [`--data-urlencode ${quoted(`resource=${resource}`)}`] : []),
  ].join(' ');
}

/** Our own API where it may, which need not be named; else the first resource of its list. */
function askedFor({ resources, scopes }: ServiceAccount, config: Config) {
  const own = ownApi(config);
  const resource = resources.includes(own) ? undefined : resources[0];
  const target = allResources(config).find(({ identifier }) => identifier === (resource ?? own));
  return { resource, scope: scopes.filter((each) => target?.scopes.includes(each)).join(' ') };
}

async function assertionOf({ account, key, privateKey }: Sample, { issuer }: Config) {
  if (privateKey === undefined) return 'ASSERTION';
  const at = nowSeconds();
  return new SignJWT({})
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'JWT' })
    .setIssuer(account.id)
    .setSubject(account.id)
    .setAudience(issuer)
    .setIssuedAt(at)
    .setExpirationTime(at + LIFETIME)
    .setJti(randomId())
    .sign(await importPKCS8(privateKey, key.alg));
}

function codeOf({ totpSecret }: Sample): string {
  return totpSecret === undefined
    ? 'CODE'
    : generateSync({ secret: totpSecret, epoch: nowSeconds() });
}

function quoted(text: string): string {
  return /^[\w:/.-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
