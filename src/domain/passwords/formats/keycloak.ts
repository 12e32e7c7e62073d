// Credentials as Keycloak exports them: JSON, in which two more pieces of JSON stand as text.
import { type Argon2Parts, argon2Cost, argon2PartsOf, verifyArgon2 } from './argon2.ts';
import { createFormat, decodeBase64, type HashFormat, readJson, textOf } from './format.ts';
import { type Pbkdf2Parts, pbkdf2Cost, pbkdf2PartsOf, verifyPbkdf2 } from './pbkdf2.ts';

type Parts =
  | { readonly by: 'pbkdf2'; readonly parts: Pbkdf2Parts }
  | { readonly by: 'argon2'; readonly parts: Argon2Parts };

interface Credential {
  readonly algorithm: string;
  readonly iterations: number;
  readonly salt: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Lists with one text each. */
  readonly more: Readonly<Record<string, unknown>>;
}

/** Since version 8 in `secretData` and `credentialData`; before, all of it lay side by side. */
function readCredential(hash: string): Credential | undefined {
  const json = readJson(hash);
  if (!json) return undefined;
  const data = readJson(json.credentialData) ?? json;
  const secret = readJson(json.secretData) ?? json;
  if (data.hashIterations === undefined) return undefined;
  return {
    algorithm: textOf(data.algorithm) || 'pbkdf2',
    iterations: Number(data.hashIterations),
    salt: decodeBase64(textOf(secret.salt)),
    key: decodeBase64(textOf(secret.value ?? secret.hashedSaltedValue)),
    more: readJson(data.additionalParameters) ?? {},
  };
}

const PBKDF2: Readonly<Record<string, string>> = {
  pbkdf2: 'sha1',
  'pbkdf2-sha256': 'sha256',
  'pbkdf2-sha512': 'sha512',
};
const VERSIONS: Readonly<Record<string, number>> = { '1.0': 16, '1.3': 19 };

function read(hash: string): Parts | undefined {
  const credential = readCredential(hash);
  if (!credential) return undefined;
  const { algorithm, iterations, salt, key, more } = credential;
  if (algorithm !== 'argon2') {
    const parts = pbkdf2PartsOf(PBKDF2[algorithm] ?? '', iterations, salt, key);
    return parts && { by: 'pbkdf2', parts };
  }
  const first = (name: string) => {
    const value = more[name];
    return textOf(Array.isArray(value) ? value[0] : value);
  };
  const parts = argon2PartsOf({
    kind: `argon2${first('type') || 'id'}`,
    version: VERSIONS[first('version') || '1.3'] ?? 0,
    memory: Number(first('memory')),
    passes: iterations,
    lanes: Number(first('parallelism') || 1),
    salt,
    key,
    data: Buffer.alloc(0),
  });
  return parts && { by: 'argon2', parts };
}

export const keycloak: HashFormat = createFormat({
  name: 'Keycloak',
  begins: /^\{.*"(?:hashIterations\b|credentialData")/s,
  read,
  cost: (found) => (found.by === 'argon2' ? argon2Cost(found.parts) : pbkdf2Cost(found.parts)),
  verify: (found, password) =>
    found.by === 'argon2'
      ? verifyArgon2(found.parts, password)
      : verifyPbkdf2(found.parts, password),
});
