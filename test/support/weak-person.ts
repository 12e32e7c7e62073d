// Accounts whose password is below the policy, as an import brings them.
import { randomBytes } from 'node:crypto';
import type { Gatehouse } from './gatehouse.ts';
import type { Person } from './relying-party.ts';

export const WEAK_PASSWORD = 'sunshine1';
export const NEW_PASSWORD = 'Vemo4-Lurk8-Pazi2';

/** @param hash of the password; argon2id as ours when left out */
export async function createWeakPerson(
  { core }: Pick<Gatehouse, 'core'>,
  password = WEAK_PASSWORD,
  hash?: string,
): Promise<Person> {
  const email = `weak-${randomBytes(6).toString('hex')}@example.com`;
  const { id } = await core.accounts.create({ email });
  const stored = hash ?? (await core.hashing.hash(password));
  await setHash({ core }, id, stored);
  return { email, password, id };
}

/** As an import does: nothing is known of the password. */
export async function setHash(
  { core: { store } }: Pick<Gatehouse, 'core'>,
  id: string,
  hash: string,
): Promise<void> {
  const change = { password_hash: hash, known_policy_version: null };
  await store.write(store.compile(store.sql('accounts').where({ id }).update(change), 1));
}

export interface StoredPassword {
  readonly hash: string;
  readonly generation: number;
  readonly known: number | undefined;
}

export async function storedPassword(
  { core }: Pick<Gatehouse, 'core'>,
  id: string,
): Promise<StoredPassword> {
  const { passwordHash = '', generation, knownPolicyVersion } = await core.accounts.get(id);
  return { hash: passwordHash, generation, known: knownPolicyVersion };
}
