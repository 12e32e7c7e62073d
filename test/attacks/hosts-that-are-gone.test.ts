// Naming a host that does not resolve, in production: no such call ends the process or hides why.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { expect } from 'chai';
import { generateKeyPair, SignJWT } from 'jose';
import { openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { BACKCHANNEL_LOGOUT } from '../../src/domain/sessions/sessions.ts';
import { now } from '../../src/lib/clock.ts';
import { createOutboxTable } from '../../src/store/outbox.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';

const ISSUER = 'https://id.example.com';
const PRODUCTION = {
  NODE_ENV: 'production',
  ISSUER,
  GATEHOUSE_SECRET: 'a-master-key-for-this-test-alone-0123456789',
  GATEHOUSE_CONFIG: '',
  TEST_CLOCK: '',
  LOG_LEVEL: 'warn',
};

/** A label of more than 63 letters is no name: the system says so without asking the network. */
const GONE = `${'gone'.repeat(16)}.invalid`;

interface Line {
  readonly msg: string;
  readonly client?: string;
  readonly attempt?: number;
  readonly err?: Readonly<Record<'message' | 'error_code', string>>;
}

describe('a host that is gone, in production', () => {
  let database: TestDatabase;
  let port: number;
  let server: GatehouseProcess;
  let clientId: string;

  /** A client whose keys and sign-out are where nobody is, and a letter to it. */
  const seed = async () => {
    const core = await openCore(loadConfig(environment(database, port, PRODUCTION)));
    const metadata = {
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `https://${GONE}/keys`,
      backchannel_logout_uri: `https://${GONE}/logout`,
    };
    clientId = (await createRelyingParty({ core, url: ISSUER }, { metadata })).id;
    const letter = {
      id: 'a-logout',
      kind: BACKCHANNEL_LOGOUT,
      recipient: clientId,
      payload: { clientId, accountId: 'usr_somebody', sid: 'a-session' },
      attempts: 0,
      expiresAt: now() + 3_600_000,
    };
    // Due once this process has closed, so that the server finds it.
    await core.store.write(createOutboxTable(core.store).insert(letter, now() + 1_000));
    await core.close();
  };

  before(async () => {
    database = await SQLITE.createMigrated();
    port = await freePort();
    await seed();
    server = await startProcess({ database, port, env: PRODUCTION });
  });
  after(async () => {
    await server.stop();
    database.remove();
  });

  const inDatabase = <T>(work: (db: InstanceType<typeof Database>) => T): T => {
    const db = new Database(join(database.dataDir, 'gatehouse.sqlite'));
    try {
      return work(db);
    } finally {
      db.close();
    }
  };

  const lines = (msg: string): Line[] => {
    const all = server.output().split('\n').slice(0, -1);
    const own = all.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Line);
    return own.filter((line) => line.msg === msg);
  };
  const untilLogged = async (msg: string, count: number): Promise<Line[]> => {
    while (lines(msg).length < count) {
      process.kill(server.pid, 0);
      await sleep(20);
    }
    return lines(msg);
  };
  const expectAlive = async () => {
    expect((await fetch(`${server.url}/health/ready`)).status).to.equal(200);
    process.kill(server.pid, 0);
  };

  /** Anybody can make one: the id of a client is no secret, and the key is the attacker's. */
  const junkAssertion = async () => {
    const { privateKey } = await generateKeyPair('ES256');
    return new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256' })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(ISSUER)
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey);
  };
  const send = async () =>
    fetch(`${server.url}/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await junkAssertion(),
      }),
    });

  it('as jwks_uri: twenty junk assertions at once are refused, and others are answered', async () => {
    const junk = Array.from({ length: 20 }, send);
    const other = fetch(`${server.url}/.well-known/openid-configuration`);
    expect((await other).status).to.equal(200);
    for (const answer of await Promise.all(junk)) {
      expect(answer.status).to.equal(401);
      expect(await answer.json()).to.include({ error: 'invalid_client' });
    }
    await expectAlive();
  });

  it('as jwks_uri: the log and the audit name the client, the host and the cause', async () => {
    const [line, ...more] = await untilLogged('the keys of a client could not be loaded', 1);
    expect(line).to.include({ client: clientId });
    expect(line?.err).to.include({ error_code: 'ENOTFOUND' });
    expect(line?.err?.message).to.include(GONE);
    expect(more, 'twenty at once ask once').to.have.length(0);
    const rows = inDatabase((db) =>
      db.prepare(`select * from audit_events where kind = 'client.refused'`).all(),
    ) as Array<Record<string, string>>;
    expect(rows).to.have.length(1);
    expect(rows[0]).to.include({ client_id: clientId, reason: 'keys not loaded' });
    expect(JSON.parse(rows[0]?.detail ?? '').cause)
      .to.include(GONE)
      .and.include('ENOTFOUND');
  });

  it('as backchannel_logout_uri: a letter waits with its cause, also after a restart', async () => {
    await expectTried(1);
    await server.stop();
    inDatabase((db) => db.prepare('update outbox set due_at = 0').run());
    server = await startProcess({ database, port, env: PRODUCTION });
    await expectTried(2);
  });

  const expectTried = async (attempt: number) => {
    const [line] = await untilLogged('not delivered', 1);
    expect(line).to.include({ attempt });
    expect(line?.err).to.include({ error_code: 'ENOTFOUND' });
    await expectAlive();
    // Written a moment after the line.
    const lastError = () =>
      inDatabase((db) => db.prepare('select last_error from outbox').pluck().get());
    while (lastError() === null) await sleep(20);
    expect(lastError()).to.include(GONE).and.include('ENOTFOUND');
  };
});
