// Hosts that misbehave, whoever is called there: the call fails alone, and its cause is told.
import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { generateKeyPair, SignJWT } from 'jose';
import { createNotices } from '../../src/domain/notices/notices.ts';
import { createSms } from '../../src/domain/notices/sms.ts';
import { BACKCHANNEL_LOGOUT } from '../../src/domain/sessions/sessions.ts';
import { now, nowSeconds } from '../../src/lib/clock.ts';
import { createVault } from '../../src/lib/vault.ts';
import { createOutboxTable } from '../../src/store/outbox.ts';
import { type BadHost, FAULTS, type Fault, GONE, startBadHost } from '../support/bad-hosts.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { deliverAll } from '../support/mailbox.ts';
import { createRelyingParty, relyingParty } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const MACHINE = { grant_types: ['client_credentials'], response_types: [], redirect_uris: [] };
const CALLS = ['keys', 'logout', 'sms', 'mail'] as const;
type Call = (typeof CALLS)[number];

/** A status that has come counts, whatever comes behind it. */
const ARRIVED = 'arrived';

const CAUSES: Readonly<Record<Fault, Readonly<Record<Call, RegExp | typeof ARRIVED>>>> = {
  gone: all(/ENOTFOUND/),
  refuses: all(/ECONNREFUSED/),
  resets: { ...all(/ECONNRESET|UND_ERR_SOCKET/), mail: /ECONNRESET|ECONNECTION/ },
  'unknown CA': all(/self-signed certificate/),
  hangs: { ...all(/no answer within 1 s/), mail: /no answer within 1 s|Greeting never received/ },
  endless: {
    keys: /the answer is longer than 65536 bytes/,
    logout: ARRIVED,
    sms: ARRIVED,
    mail: /too (long|large)|exceed/i,
  },
  redirects: { ...all(/ 302/), mail: /551/ },
};

function all(cause: RegExp): Readonly<Record<Call, RegExp>> {
  return { keys: cause, logout: cause, sms: cause, mail: cause };
}

describe('a call to a host that', () => {
  let gatehouse: Gatehouse;
  let hosts: { readonly http: BadHost; readonly smtp: BadHost; readonly elsewhere: BadHost };
  let keyOfNobody: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  before(async () => {
    keyOfNobody = (await generateKeyPair('ES256')).privateKey;
  });
  afterEach(async () => {
    await gatehouse.stop();
    for (const host of Object.values(hosts)) host.stop();
  });

  const start = async (fault: Fault, allowed: boolean) => {
    const elsewhere = await startBadHost('hangs', 'http');
    const astray = `http://${elsewhere.host}/`;
    const http = await startBadHost(fault, 'http', astray);
    const smtp = await startBadHost(fault, 'smtp', 'person@localhost');
    hosts = { http, smtp, elsewhere };
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'config.json');
    const sms = { enabled: true, webhook_url: at(http, '/sms') };
    const outgoing = { allow_private: allowed, timeout: 1 };
    const config = { ...WITHOUT_FACTOR, sms, outgoing, mail: { timeout: 1 } };
    writeFileSync(file, JSON.stringify(config));
    const env = {
      GATEHOUSE_CONFIG: file,
      SMS_WEBHOOK_SECRET: 'a-secret-for-the-webhook-of-32-letters',
      SMTP_URL: `${smtp.isSecure ? 'smtps' : 'smtp'}://${smtp.host}`,
    };
    gatehouse = await startGatehouse({ database, env });
  };
  const at = ({ host, isSecure }: BadHost, path: string) =>
    `${isSecure ? 'https' : 'http'}://${host}${path}`;

  const createClient = async () => {
    const metadata = {
      ...MACHINE,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: at(hosts.http, '/keys'),
      backchannel_logout_uri: at(hosts.http, '/logout'),
    };
    return (await createRelyingParty(gatehouse, { metadata })).id;
  };

  const sendJunk = async (id: string) => {
    const claims = { iss: id, sub: id, aud: gatehouse.url, jti: randomUUID() };
    const assertion = await new SignJWT({ ...claims, exp: nowSeconds() + 60 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(keyOfNobody);
    const proof = { client_assertion: assertion, client_assertion_type: ASSERTION };
    const party = relyingParty(gatehouse.url, id, undefined);
    return party.token({ grant_type: 'client_credentials', ...proof });
  };

  /** One of each kind; they go to the post as they would. */
  const writeLetters = async (clientId: string) => {
    const { core, database } = gatehouse;
    const vault = createVault(readFileSync(join(database.dataDir, 'secret'), 'utf8').trim());
    const outboxTable = createOutboxTable(core.store);
    const expiresAt = now() + 300_000;
    const payload = { clientId, accountId: 'usr_somebody', sid: 'a-session' };
    const letter = { id: 'a-logout', recipient: clientId, attempts: 0, expiresAt, payload };
    const { noticeFor } = createNotices({ outboxTable, vault });
    await core.store.write(
      outboxTable.insert({ ...letter, kind: BACKCHANNEL_LOGOUT }, now()),
      createSms({ config: core.config, outboxTable, vault }).send({
        to: '+15005550006',
        text: '123456 is your code.',
        expiresAt,
      }),
      noticeFor({ email: 'person@example.com', name: undefined }, { kind: 'password-changed' }),
    );
  };

  /** What became of each: why it failed, or that it arrived. */
  const outcomes = async (): Promise<Record<Call, unknown>> => {
    const { store, audit } = gatehouse.core;
    const rows = await store.all(store.compile(store.sql('outbox')));
    const [refused, ...more] = await audit.newest({ kind: 'client.refused' }, 10);
    expect(more, 'one event for one call').to.have.length(0);
    const of = (kind: string) => {
      const row = rows.find((each) => each.kind === kind);
      return row?.done_at === null ? row.last_error : ARRIVED;
    };
    const keys = (refused?.detail as { cause?: string } | undefined)?.cause;
    return { keys, logout: of(BACKCHANNEL_LOGOUT), sms: of('sms'), mail: of('mail') };
  };

  const run = async (fault: Fault) => {
    const clientId = await createClient();
    await writeLetters(clientId);
    const junk = Promise.all([sendJunk(clientId), sendJunk(clientId), sendJunk(clientId)]);
    const delivered = deliverAll(gatehouse);
    const others = ['/health/ready', '/.well-known/openid-configuration', '/account/sign-in'];
    const answers = await Promise.all(
      others.map((path) => fetch(`${gatehouse.url}${path}`, { redirect: 'manual' })),
    );
    for (const { status, url } of answers) expect(status, url).to.be.below(500);
    for (const { status, body } of await junk) {
      expect(status).to.equal(401);
      expect(body).to.include({ error: 'invalid_client' });
    }
    await delivered;
    const told = await outcomes();
    for (const call of CALLS) {
      const cause = CAUSES[fault][call];
      if (cause === ARRIVED) expect(told[call], call).to.equal(ARRIVED);
      else expect(told[call], call).to.match(cause).and.include(hostOf(call));
    }
    expect(hosts.elsewhere.connections(), 'led astray').to.equal(0);
    expect(hosts.http.sent() + hosts.smtp.sent(), 'bytes sent').to.be.below(64 * 1024 * 1024);
  };
  const hostOf = (call: Call) => (call === 'mail' ? hosts.smtp.host : hosts.http.host);

  for (const fault of FAULTS) {
    it(`${fault}, where private addresses are allowed`, async () => {
      await start(fault, true);
      await run(fault);
    });
  }

  it('is gone, where they are not', async () => {
    await start('gone', false);
    await run('gone');
  });

  it('is gone, as the sector of a client that is being registered', async () => {
    await start('gone', true);
    const sector_identifier_uri = `https://${GONE}/sector`;
    const refused = await createRelyingParty(gatehouse, {
      metadata: { sector_identifier_uri },
    }).then(
      () => undefined,
      (error: Error) => error.message,
    );
    expect(refused).to.include(`${GONE}: getaddrinfo ENOTFOUND`);
  });

  it('is asked for its keys once in five seconds, however much junk comes', async () => {
    await start('resets', true);
    const clientId = await createClient();
    for (let count = 0; count < 5; count += 1) await sendJunk(clientId);
    expect(hosts.http.connections()).to.equal(1);
    await gatehouse.advance('6s');
    await sendJunk(clientId);
    expect(hosts.http.connections()).to.equal(2);
  });
});
