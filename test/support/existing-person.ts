// People who had their account before second factors were asked for.
import { randomBytes } from 'node:crypto';
import argon2 from 'argon2';
import type { Gatehouse } from './gatehouse.ts';
import { PASSWORD, type Person } from './relying-party.ts';

let hash: Promise<string> | undefined;

export async function createExistingPerson(
  gatehouse: Pick<Gatehouse, 'house'>,
  more: object = {},
): Promise<Person> {
  const email = `existing-${randomBytes(6).toString('hex')}@example.com`;
  hash ??= argon2.hash(PASSWORD, {
    type: argon2.argon2id,
    memoryCost: 19_456,
    timeCost: 2,
    parallelism: 1,
  });
  const line = { email, name: 'Existing Person', password_hash: await hash, ...more };
  const { errors } = await gatehouse.house.importAccounts(
    (async function* () {
      yield JSON.stringify(line);
    })(),
  );
  if (errors.length > 0) throw new Error(JSON.stringify(errors));
  const { id } = await gatehouse.house.accounts.get(email);
  return { email, password: PASSWORD, id };
}
