// People who had their account before second factors were asked for.
import { randomBytes } from 'node:crypto';
import type { Gatehouse } from './gatehouse.ts';
import { PASSWORD, type Person } from './relying-party.ts';

export async function createExistingPerson(
  gatehouse: Pick<Gatehouse, 'core'>,
  more: object = {},
): Promise<Person> {
  const made = `existing-${randomBytes(6).toString('hex')}@example.com`;
  const hash = await gatehouse.core.hashing.hash(PASSWORD);
  const line = { email: made, name: 'Existing Person', password_hash: hash, ...more };
  await gatehouse.core.importAccounts(
    (async function* () {
      yield Buffer.from(JSON.stringify(line));
    })(),
    {
      onBatch: (errors) => {
        if (errors.length > 0) throw new Error(JSON.stringify(errors));
      },
    },
  );
  const { email } = line;
  const { id } = await gatehouse.core.accounts.get(email);
  return { email, password: PASSWORD, id };
}
