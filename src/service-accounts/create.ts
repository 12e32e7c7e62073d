// A new service account, with its first key and, if it is to send codes, their secret.
import { now } from '../lib/clock.ts';
import { serviceAccountId } from '../lib/ids.ts';
import { type AllowLists, readAllowLists } from './allow-lists.ts';
import { type OperatorReason, record, type ServiceAccountsNeeds } from './needs.ts';
import { type CreatedKey, createKey, type NewKey } from './new-keys.ts';
import { refusal } from './refusals.ts';
import type { ServiceAccount } from './table.ts';
import { newTotp, type ServiceAccountTotp } from './totp.ts';

export interface NewServiceAccount extends NewKey, Partial<AllowLists> {
  readonly name: string;
  /** Whether it must send a code with each assertion. */
  readonly totp?: boolean | undefined;
}

export interface CreatedServiceAccount extends CreatedKey {
  readonly account: ServiceAccount;
  readonly totp: ServiceAccountTotp | undefined;
}

const LONGEST_NAME = 100;

export async function create(
  request: NewServiceAccount,
  cause: OperatorReason | undefined,
  needs: ServiceAccountsNeeds,
): Promise<CreatedServiceAccount> {
  const { store, serviceAccountTable, config } = needs;
  const name = readName(request.name);
  const lists = readAllowLists(request, config);
  const id = serviceAccountId();
  const account = {
    id,
    name,
    status: 'active' as const,
    ...lists,
    generation: 0,
    createdAt: now(),
  };
  const { key, privateKey } = await createKey(id, request);
  const totp = request.totp ? newTotp(account, needs) : undefined;
  const detail = { name, kid: key.kid, alg: key.alg, totp: totp !== undefined };
  await store.write(
    serviceAccountTable.insert(account),
    serviceAccountTable.insertKey(key),
    ...(totp?.unit ?? []),
    record('created', id, cause, needs, detail),
  );
  return { account, key, privateKey, totp: totp?.shown };
}

export function readName(text: string): string {
  const name = text.trim();
  if (name === '') throw refusal('A service account needs a name.');
  if (name.length > LONGEST_NAME || /\p{C}/u.test(name)) {
    throw refusal(`A name has ${LONGEST_NAME} characters at most, and no control characters.`);
  }
  return name;
}
