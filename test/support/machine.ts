// A machine that signs for itself: it shares no code with what reads its assertions.
import {
  constants,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto';
import { join } from 'node:path';
import type { JWK } from 'jose';
import { loadMasterKey } from '../../src/domain/keys/master-key.ts';
import { createAuthenticators } from '../../src/factors/totp/authenticators.ts';
import { createAuthenticatorTable } from '../../src/factors/totp/table.ts';
import { serviceAccountId } from '../../src/lib/ids.ts';
import { createVault } from '../../src/lib/vault.ts';
import {
  createServiceAccountTable,
  type ServiceAccount,
  type ServiceAccountKey,
} from '../../src/service-accounts/table.ts';
import type { Gatehouse } from './gatehouse.ts';
import type { Answer } from './relying-party.ts';

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const API = 'https://api.example.com';
export const OPAQUE_API = 'https://opaque.example.com';
export const ES256_API = 'https://es256.example.com';
/** For `env`: the resources above. */
export const WITH_RESOURCES = {
  GATEHOUSE_CONFIG: join(import.meta.dirname, 'machine-resources.json'),
};

export interface Machine {
  readonly id: string;
  readonly kid: string;
  readonly alg: string;
  readonly jwk: JWK;
  readonly privateKey: KeyObject;
  /** Of its authenticator, if it has one. */
  readonly secret: string | undefined;
}

export interface MachineOptions
  extends Partial<Pick<ServiceAccount, 'scopes' | 'resources' | 'addresses' | 'status'>>,
    Partial<Pick<ServiceAccountKey, 'expiresAt' | 'revokedAt'>> {
  readonly alg?: string;
  readonly totp?: boolean;
  readonly modulusLength?: number;
}

type Home = Pick<Gatehouse, 'core' | 'url'>;

export async function createMachine(home: Home, options: MachineOptions = {}): Promise<Machine> {
  const { core, url } = home;
  const { alg = 'ES256' } = options;
  const id = serviceAccountId();
  const pair = keyPair(alg, options.modulusLength);
  const jwk = pair.publicKey.export({ format: 'jwk' }) as JWK;
  const kid = randomBytes(12).toString('base64url');
  const tables = createServiceAccountTable(core.store);
  const createdAt = Date.now();
  const account = {
    id,
    name: 'Test machine',
    status: options.status ?? 'active',
    scopes: options.scopes ?? ['read', 'write'],
    resources: options.resources ?? [`${url}/api`, API],
    addresses: options.addresses ?? [],
    generation: 0,
    createdAt,
  } as const;
  const key = {
    ...{ accountId: id, kid, alg, jwk, createdAt, usedAt: undefined },
    expiresAt: options.expiresAt,
    revokedAt: options.revokedAt,
  };
  await core.store.write(tables.insert(account), tables.insertKey(key));
  const secret = options.totp ? await addAuthenticator(home, id) : undefined;
  return { id, kid, alg, jwk, privateKey: pair.privateKey, secret };
}

export function keyPair(alg: string, modulusLength = 2048) {
  if (alg === 'EdDSA') return generateKeyPairSync('ed25519');
  if (alg.startsWith('ES')) {
    const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
    return generateKeyPairSync('ec', { namedCurve: curves[alg] ?? 'P-256' });
  }
  return generateKeyPairSync('rsa', { modulusLength });
}

async function addAuthenticator({ core }: Home, accountId: string): Promise<string> {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const secret = [...randomBytes(32)].map((byte) => alphabet[byte % 32]).join('');
  const vault = createVault(loadMasterKey(core.config));
  const table = createAuthenticatorTable(core.store, 'service_account_authenticators');
  const authenticators = createAuthenticators(table, vault);
  const none = { accountId, name: 'codes', lastStep: 0 };
  await core.store.write(authenticators.add({ ...none, secret }));
  return secret;
}

export type Members = Readonly<Record<string, unknown>>;

/** Undefined members are left out. */
export function claimsOf(
  machine: Pick<Machine, 'id'>,
  issuer: string,
  more: Members = {},
): Members {
  const at = Math.floor(Date.now() / 1000);
  const { id } = machine;
  return { iss: id, sub: id, aud: issuer, iat: at, exp: at + 60, jti: randomUUID(), ...more };
}

export function assertionOf(
  machine: Machine,
  issuer: string,
  claims: Members = {},
  header: Members = {},
): string {
  return compact(machine, JSON.stringify(claimsOf(machine, issuer, claims)), {
    ...{ alg: machine.alg, kid: machine.kid, typ: 'JWT' },
    ...header,
  });
}

/** @param payload as it is: any text @param header likewise, or its members */
export function compact(machine: Machine, payload: string, header: Members | string): string {
  const first = typeof header === 'string' ? header : JSON.stringify(header);
  const input = `${encoded(first)}.${encoded(payload)}`;
  return `${input}.${signatureOf(machine, input)}`;
}

export const encoded = (text: string) => Buffer.from(text).toString('base64url');

export function signatureOf({ alg, privateKey }: Machine, input: string): string {
  const digest = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const key = {
    key: privateKey,
    ...(alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}),
    ...(alg.startsWith('PS')
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : {}),
  };
  return sign(digest, Buffer.from(input), key).toString('base64url');
}

export interface Asking {
  readonly fields?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** @param at of the server or process */
export function present(at: string, assertion: string, asking: Asking = {}): Promise<Answer> {
  const fields = { grant_type: JWT_BEARER, assertion, ...asking.fields };
  return postForm(at, new URLSearchParams(fields).toString(), asking.headers);
}

export async function postForm(
  at: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`${at}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? JSON.parse(text) : { text },
  };
}

/** What of a refusal is the same for all. */
export function withoutTrace({ status, body, headers }: Answer) {
  const { trace, ...rest } = body;
  const same = [...headers].filter(([name]) => !['date', 'content-length'].includes(name));
  return {
    status,
    body: rest,
    headers: same,
    isTraced: /^[0-9A-HJKMNP-TV-Z]{10}$/.test(String(trace)),
  };
}
