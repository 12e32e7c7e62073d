// The examples that get a token for a machine, each where its language is there.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { done } from '../cli/helpers.ts';
import { startExample } from '../support/examples.ts';
import { freePort, type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import type { CommandOptions } from '../support/processes.ts';
import { SQLITE } from '../support/stores.ts';

/** Each is run where this command succeeds: npm brings neither a shell nor Python. */
const EXAMPLES = {
  'get-token.ts': 'true',
  'get-token.sh': 'bash -c "command -v curl && command -v openssl && command -v awk"',
  'get_token.py': 'python3 -c "import authlib, joserfc, requests"',
};

describe('the examples that get a token for a machine', () => {
  let gatehouse: Gatehouse;
  let options: CommandOptions;
  let dataDir: string;

  before(async () => {
    const [database, port] = [await SQLITE.createMigrated(), await freePort()];
    dataDir = database.dataDir;
    const file = join(dataDir, 'scopes.json');
    const identifier = `http://localhost:${port}/api`;
    const resources = [{ identifier, scopes: ['export:read', 'export:write'] }];
    writeFileSync(file, JSON.stringify({ resources }));
    const env = { GATEHOUSE_CONFIG: file, PORT: String(port) };
    gatehouse = await startGatehouse({ database, port, env });
    options = { database, env };
  });
  after(() => gatehouse.stop());

  const create = async (name: string, ...more: string[]) => {
    const file = join(dataDir, `${name}.json`);
    const scope = ['--scope', 'export:read export:write'];
    const own = ['--name', name, '--key-file', file, ...scope, ...more, '--json'];
    const made = JSON.parse(await done(['service-account', 'create', ...own], options));
    return { id: String(made.id), file };
  };

  for (const [file, isThere] of Object.entries(EXAMPLES)) {
    if (spawnSync(isThere, { shell: true }).status !== 0) continue;

    it(`${file} gets what it asks for`, async () => {
      const { id, file: key } = await create(`plain-${file}`);
      const example = startExample(`service-account/${file}`, [key, 'export:read']);
      expect(await example.end(), example.err()).to.equal(0);
      const { access_token: token } = JSON.parse(example.out());
      const keys = createRemoteJWKSet(new URL(`${gatehouse.url}/jwks`));
      const audience = `${gatehouse.url}/api`;
      const checks = { issuer: gatehouse.url, audience, typ: 'at+jwt' };
      const { payload } = await jwtVerify(token, keys, checks);
      expect(payload).to.include({ sub: id, client_id: id, scope: 'export:read' });
    });

    it(`${file} sends a code where one is wanted`, async () => {
      const { file: key } = await create(`codes-${file}`, '--totp');
      const example = startExample(`service-account/${file}`, [key]);
      expect(await example.end(), example.err()).to.equal(0);
      expect(JSON.parse(example.out()).scope).to.equal('export:read export:write');
    });

    it(`${file} says what is refused`, async () => {
      const { file: key } = await create(`refused-${file}`);
      const example = startExample(`service-account/${file}`, [key, 'export:delete']);
      expect(await example.end()).not.to.equal(0);
      expect(`${example.out()}${example.err()}`).to.include('invalid_scope');
    });
  }
});
