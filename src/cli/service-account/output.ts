// A service account as commands print it: never a secret, but what was made a moment ago.
import type { Core } from '../../app.ts';
import type { Config } from '../../config/schema.ts';
import { now, toIso } from '../../lib/clock.ts';
import type { ServiceAccount, ServiceAccountKey } from '../../service-accounts/service-accounts.ts';
import { print, printFields, printJson, printTable } from '../output.ts';

export interface Printing {
  readonly json?: boolean;
}

type KeyStatus = 'active' | 'expired' | 'revoked';

export function tokenEndpoint({ issuer }: Pick<Config, 'issuer'>): string {
  return `${issuer}/v1/auth/service-account/token`;
}

/** The shape of a service account wherever it is printed. */
export async function describe({ serviceAccounts }: Core, account: ServiceAccount) {
  const { id, name, status, scopes, resources, addresses, createdAt } = account;
  return {
    id,
    name,
    status,
    scope: scopes.join(' '),
    resources,
    allowed_addresses: addresses,
    totp: await serviceAccounts.hasTotp(id),
    created_at: toIso(createdAt),
    keys: (await serviceAccounts.keysOf(id)).map(describeKey),
  };
}

type Described = Awaited<ReturnType<typeof describe>>;

export function describeKey(key: ServiceAccountKey) {
  return {
    kid: key.kid,
    alg: key.alg,
    status: statusOf(key),
    expires_at: isoOrNull(key.expiresAt),
    last_used_at: isoOrNull(key.usedAt),
    created_at: toIso(key.createdAt),
  };
}

function statusOf({ revokedAt, expiresAt }: ServiceAccountKey): KeyStatus {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= now() ? 'expired' : 'active';
}

const isoOrNull = (at: number | undefined) => (at === undefined ? null : toIso(at));

export async function show(core: Core, account: ServiceAccount, { json }: Printing) {
  const described = await describe(core, account);
  if (json) return printJson(described);
  const { keys, ...fields } = described;
  printFields({ ...fields, scope: fields.scope || '–' });
  print('');
  printTable(keys);
}

export async function list(core: Core, { json }: Printing): Promise<void> {
  const described: Described[] = [];
  for await (const account of core.serviceAccounts.list()) {
    described.push(await describe(core, account));
  }
  if (json) printJson(described);
  else printTable(described.map(rowOf));
}

function rowOf({ id, name, status, totp, created_at, keys }: Described) {
  return { id, name, status, keys: countOf(keys), totp: totp ? 'yes' : 'no', created_at };
}

/** `2 active, 1 revoked`. */
function countOf(keys: Described['keys']): string {
  const statuses: readonly KeyStatus[] = ['active', 'expired', 'revoked'];
  const counts = statuses.map((each) => [
    keys.filter(({ status }) => status === each).length,
    each,
  ]);
  const some = counts.filter(([count]) => count !== 0).map((pair) => pair.join(' '));
  return some.join(', ') || 'none';
}
