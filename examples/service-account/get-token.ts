// Gets an access token with the key file of a service account, and prints the answer.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { importPKCS8, SignJWT } from 'jose';
import { generateSync } from 'otplib';

/** What `gatehouse service-account create --key-file FILE` writes. */
interface KeyFile {
  readonly id: string;
  readonly kid: string;
  readonly alg: string;
  readonly issuer: string;
  readonly token_endpoint: string;
  /** PKCS#8. */
  readonly private_key: string;
  /** Base32, where it sends codes. */
  readonly totp_secret?: string;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Good for one request, within a minute. */
async function signAssertion({ id, kid, alg, issuer, private_key }: KeyFile): Promise<string> {
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg, kid, typ: 'JWT' })
    .setIssuer(id)
    .setSubject(id)
    .setAudience(issuer)
    .setIssuedAt()
    .setExpirationTime('1 minute')
    .sign(await importPKCS8(private_key, alg));
}

async function getToken(key: KeyFile, asked: Record<string, string>): Promise<object> {
  const { totp_secret: secret } = key;
  const response = await fetch(key.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: GRANT,
      assertion: await signAssertion(key),
      // Each code works once: two tokens within half a minute want one code to wait for.
      ...(secret === undefined ? {} : { mfa_code: generateSync({ secret }) }),
      ...asked,
    }),
  });
  const answer = (await response.json()) as object;
  if (response.ok) return answer;
  process.stderr.write(`${response.status} ${JSON.stringify(answer)}\n`);
  process.exit(1);
}

const [file, scope, resource] = process.argv.slice(2);
if (file === undefined) {
  process.stderr.write('Usage: get-token.ts KEY_FILE [SCOPE] [RESOURCE]\n');
  process.exit(2);
}
const key = JSON.parse(readFileSync(file, 'utf8')) as KeyFile;
const asked = { ...(scope ? { scope } : {}), ...(resource ? { resource } : {}) };
process.stdout.write(`${JSON.stringify(await getToken(key, asked), null, 2)}\n`);
