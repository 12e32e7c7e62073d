// Mails: what they say, how they leave, and what stands in the outbox meanwhile.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { createMails, type Mail } from '../../src/domain/notices/mails.ts';
import { createNotices, type Notice } from '../../src/domain/notices/notices.ts';
import { now } from '../../src/lib/clock.ts';
import { createVault, type Vault } from '../../src/lib/vault.ts';
import { createSmtp } from '../../src/messages/smtp.ts';
import { createOutboxTable, type OutboxMessage, type OutboxTable } from '../../src/store/outbox.ts';
import { sweep } from '../../src/store/sweep.ts';
import {
  advanceClock,
  type Gatehouse,
  startGatehouse,
  WITHOUT_FACTOR,
} from '../support/gatehouse.ts';
import {
  deliverAll,
  lastMailTo,
  outboxFiles,
  type ReadMail,
  readMail,
} from '../support/mailbox.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { askForLink } from '../support/reset-link.ts';
import { type Mood, type SmtpServer, startSmtp } from '../support/smtp.ts';
import { onOneStoreExcept } from '../support/stores.ts';

const AGENT = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

/** One of each kind: a kind without a line here does not compile. */
const NOTICES: { readonly [K in Notice['kind']]: Notice & { readonly kind: K } } = {
  'password-changed': { kind: 'password-changed' },
  'factor-added': { kind: 'factor-added', name: 'My phone' },
  'factor-removed': { kind: 'factor-removed', name: 'My phone' },
  'backup-code-used': { kind: 'backup-code-used', left: 3 },
  'backup-codes-renewed': { kind: 'backup-codes-renewed' },
  'new-device': {
    kind: 'new-device',
    userAgent: AGENT,
    address: '192.0.2.7',
    at: Date.UTC(2026, 10, 22, 14, 32, 59),
  },
  'new-browser': {
    kind: 'new-browser',
    userAgent: AGENT,
    address: '192.0.2.7',
    at: Date.UTC(2026, 10, 22, 14, 32, 59),
    link: 'https://id.example.com/not-me/secret',
    expires: Date.UTC(2026, 10, 29, 14, 32, 59),
  },
  lockout: { kind: 'lockout', until: Date.UTC(2026, 10, 22, 14, 31, 1) },
  'password-known': { kind: 'password-known' },
  'admin-reset-2fa': { kind: 'admin-reset-2fa' },
  'admin-reset-password': { kind: 'admin-reset-password' },
};

/** What each must say, and where it leads. */
const SAYS: Readonly<Record<Notice['kind'], readonly [text: RegExp, path: string | undefined]>> = {
  'password-changed': [/account was changed/, '/forgot-password'],
  'factor-added': [/added a new authenticator, "My phone"/, '/forgot-password'],
  'factor-removed': [/removed the authenticator "My phone"/, '/forgot-password'],
  'backup-code-used': [/^Backup codes left: 3$/m, '/forgot-password'],
  'backup-codes-renewed': [/Your old codes no longer work/, '/forgot-password'],
  'new-device': [
    /^Browser: Firefox on Windows\nNetwork address: 192\.0\.2\.7\nWhen: 22 November 2026 at 14:32 UTC$/m,
    '/forgot-password',
  ],
  'new-browser': [
    /use this link until 29 November 2026 at 14:32 UTC/,
    'https://id.example.com/not-me/secret',
  ],
  lockout: [/until 22 November 2026 at 14:32 UTC/, undefined],
  'password-known': [/They didn't get in/, '/forgot-password'],
  'admin-reset-2fa': [/An administrator removed/, '/account'],
  'admin-reset-password': [/with the link you were given/, undefined],
};

onOneStoreExcept(/outbox|expire|each once/, 'mails', (store) => {
  let gatehouse: Gatehouse;
  let people = 0;

  const vaultOf = ({ database }: Gatehouse) =>
    createVault(readFileSync(join(database.dataDir, 'secret'), 'utf8').trim());
  const outboxOf = ({ core }: Gatehouse) => createOutboxTable(core.store);
  const write = async (notice: Notice, ...emails: string[]) => {
    const { noticeFor } = createNotices({
      outboxTable: outboxOf(gatehouse),
      vault: vaultOf(gatehouse),
    });
    const written = emails.map((email) => noticeFor({ email, name: undefined }, notice));
    await gatehouse.core.store.write(...written);
  };
  const noticeFor = async (notice: Notice): Promise<ReadMail> => {
    people += 1;
    const email = `reader-${people}@example.com`;
    await write(notice, email);
    return lastMailTo(gatehouse, email);
  };
  const letters = async () => {
    const { store: database } = gatehouse.core;
    return database.all(database.compile(database.sql('outbox')));
  };
  /** With a configuration file beside the database. */
  const startWith = async (config: object, env: Record<string, string> = {}) => {
    const database = await store.createMigrated();
    const file = join(database.dataDir, 'config.json');
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, ...config }));
    gatehouse = await startGatehouse({ database, env: { GATEHOUSE_CONFIG: file, ...env } });
  };

  describe('as files', () => {
    before(async () => {
      gatehouse = await startGatehouse({ store });
    });
    afterEach(() => advanceClock(gatehouse.url, undefined));
    after(() => gatehouse.stop());

    it('are whole messages that only this user can read', async () => {
      const mail = await noticeFor({ kind: 'password-changed' });
      const file = outboxFiles(gatehouse.database.dataDir, '.eml').at(-1) ?? '';
      expect(file).to.match(/\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z-[\w-]{22}\.eml$/);
      expect(statSync(file).mode & 0o777).to.equal(0o600);
      expect(statSync(dirname(file)).mode & 0o777).to.equal(0o700);
      const headers = Object.fromEntries(mail.headers);
      expect(headers).to.include({
        from: 'Gatehouse <no-reply@localhost>',
        'mime-version': '1.0',
        'auto-submitted': 'auto-generated',
      });
      expect(headers['message-id']).to.match(/^<[\w-]{22}\.\d+@localhost>$/);
      expect(Date.parse(headers.date ?? '')).to.be.closeTo(Date.now(), 60_000);
      expect(headers['content-type']).to.match(/^multipart\/alternative;/);
      expect(mail.raw).not.to.match(/[^\r]\n/);
      for (const line of mail.raw.split('\r\n')) expect(line.length).to.be.at.most(998);
    });

    for (const [kind, notice] of Object.entries(NOTICES)) {
      it(`${kind} says what happened, and what to do if it was not oneself`, async () => {
        const [says, path] = SAYS[notice.kind];
        const mail = await noticeFor(notice);
        expect(mail.subject).to.include('Gatehouse');
        expect(mail.text).to.match(says);
        expect(mail.text).to.match(/\n\n(Wasn't you\?|Was it you\?|Didn't ask for this)/);
        expect(mail.text).to.include(`Account: ${mail.to}`);
        expect(mail.text).not.to.match(/[{}]|undefined|NaN|\[object/);
        const links = [...mail.text.matchAll(/https?:\S+/g)].map(([url]) => url);
        expect(links).to.deep.equal(path ? [new URL(path, gatehouse.url).href] : []);
        expectPlainHtml(mail, links);
      });
    }

    it('hold the link as it stands, to be read and copied', async () => {
      const { email } = await createPerson(gatehouse);
      const link = await askForLink(gatehouse, email);
      const mail = await lastMailTo(gatehouse, email);
      expect(mail.raw.split('\r\n')).to.include(link);
      expect(mail.text).to.match(/once, until \d+ \w+ \d{4} at \d\d:\d\d UTC\./);
      expectPlainHtml(mail, [link]);
    });

    it('leave nothing in the outbox but a mark once they are there, and that goes too', async () => {
      await noticeFor({ kind: 'factor-added', name: 'Telltale' });
      const rows = await letters();
      expect(rows.map(({ payload }) => payload)).to.deep.equal(rows.map(() => '{}'));
      await gatehouse.advance('25h');
      await sweep(gatehouse.core.store, now());
      expect(await letters()).to.deep.equal([]);
    });

    it('one that nobody can read delays no other, and expires', async () => {
      const payload = { template: 'no-such-mail', to: 'a@example.com', values: {} };
      const expiresAt = Date.now() + 60_000;
      const broken = { id: 'broken', kind: 'mail', recipient: 'mail', attempts: 0, expiresAt };
      const { core } = gatehouse;
      await core.store.write(outboxOf(gatehouse).insert({ ...broken, payload }, Date.now()));
      await noticeFor({ kind: 'password-changed' });
      const find = async () => (await letters()).find(({ id }) => id === 'broken');
      expect((await find())?.done_at).to.equal(null);
      const { attempts } = (await find()) ?? {};
      await gatehouse.advance('10m');
      await deliverAll(gatehouse);
      expect((await find())?.attempts, 'nobody tries what has expired').to.equal(attempts);
    });
  });

  it('keep a product name, a contact and a sender that are not ours', async () => {
    await startWith({
      product: { name: 'Prüfstelle «Ä» <b>' },
      support: { contact: 'hilfe@example.com' },
      mail: { from: 'konto@example.com' },
    });
    const mail = await noticeFor({ kind: 'password-changed' });
    expect(mail.subject).to.equal('Your Prüfstelle «Ä» <b> password was changed');
    expect(mail.headers.get('from')).to.match(/^=\?UTF-8\?.*\?= <konto@example\.com>$/i);
    expect(mail.text).to.include('your Prüfstelle «Ä» <b> account');
    expect(mail.text).to.include('Need help? hilfe@example.com');
    expect(mail.html).to.include('your Prüfstelle «Ä» &lt;b&gt; account');
    await gatehouse.stop();
  });

  describe('by SMTP', () => {
    let smtp: SmtpServer;
    const begin = async (mood: Mood, timeout = 15) => {
      smtp = await startSmtp(mood);
      const SMTP_URL = smtp.url.replace('//', '//mailer:pass%20word@');
      await startWith({ mail: { timeout } }, { SMTP_URL });
    };
    afterEach(async () => {
      await smtp.stop();
      await gatehouse.stop();
    });
    const changed = (...emails: string[]) => write({ kind: 'password-changed' }, ...emails);

    it('arrive whole, from and to whom they should', async () => {
      await begin('takes');
      await changed('reader@example.com');
      await deliverAll(gatehouse);
      expect(smtp.received).to.have.length(1);
      const [got] = smtp.received;
      expect(got).to.deep.include({ from: 'no-reply@localhost', to: ['reader@example.com'] });
      expect(got?.auth).to.equal('\0mailer\0pass word');
      const mail = readMail(`${got?.data}\r\n`);
      expect(mail.text).to.include('was changed');
      expect(mail.html).to.include('<h1>Your password was changed</h1>');
      expect(outboxFiles(gatehouse.database.dataDir, '.eml')).to.deep.equal([]);
      expect(smtp.greetings).to.deep.equal(['localhost']);
    });

    it('come again after a refusal, until they expire', async () => {
      await begin('refuses');
      await changed('reader@example.com');
      await deliverAll(gatehouse);
      const [row] = await letters();
      expect(row).to.include({ done_at: null });
      expect(row?.last_error).to.match(/550 no such mailbox/);
      expect(row?.last_error).not.to.include('pass word');
      smtp.mood = 'takes';
      await gatehouse.advance('10m');
      await deliverAll(gatehouse);
      expect(smtp.received).to.have.length(1);
      smtp.mood = 'refuses';
      await changed('late@example.com');
      await deliverAll(gatehouse);
      smtp.mood = 'takes';
      const tries = smtp.connections();
      await gatehouse.advance('25h');
      await deliverAll(gatehouse);
      expect(smtp.connections(), 'nobody tries what has expired').to.equal(tries);
      expect(smtp.received).to.have.length(1);
    });

    it('a server that never answers takes its few places, and delays nobody', async () => {
      await begin('says nothing');
      const receiver = await startReceiver();
      const party = await createRelyingParty(gatehouse, {
        metadata: { backchannel_logout_uri: receiver.url },
      });
      const { web } = await signIn(gatehouse, party, await createPerson(gatehouse));
      await changed(...readers(60));
      const hanging = gatehouse.core.deliver();
      while (smtp.connections() < 4) await sleep(10);
      await web.submit(await web.get(`${gatehouse.url}/account`), '/account/sign-out');
      gatehouse.core.deliver().catch(() => undefined);
      while (receiver.heard() === 0) await sleep(10);
      expect(await Promise.race([hanging, Promise.resolve('hanging')])).to.equal('hanging');
      expect(smtp.connections(), 'no more than its share').to.equal(4);
      receiver.stop();
    });

    for (const mood of ['says nothing', 'stops half-way', 'mumbles'] as const) {
      it(`a server that ${mood} is given up, and all mails come later, each once`, async () => {
        await begin(mood, 1);
        await changed(...readers(12));
        expect(await gatehouse.core.deliver()).to.equal(0);
        const left = (await letters()).filter(({ done_at: done }) => done === null);
        expect(left).to.have.length(12);
        smtp.mood = 'takes';
        await gatehouse.advance('10m');
        while (smtp.received.length < 12) await gatehouse.core.deliver();
        const to = smtp.received.map(({ to: [first] }) => first);
        expect(to).to.have.members(readers(12));
      });
    }
  });
});

describe('an SMTP server', () => {
  const cases = [
    ['the host of the issuer', 'https://id.example.com', '', 'id.example.com'],
    ['its address', 'http://192.0.2.7:3000', '', '[192.0.2.7]'],
    ['its IPv6 address', 'http://[2001:db8::7]', '', '[IPv6:2001:db8::7]'],
    ['what the URL says', 'https://id.example.com', '?name=out.example.com', 'out.example.com'],
  ] as const;
  for (const [title, issuer, query, name] of cases) {
    it(`is greeted by ${title}, whatever this machine is called`, async () => {
      const smtp = await startSmtp();
      const send = createSmtp({ smtp_url: `${smtp.url}/${query}`, timeout: 15, issuer });
      await send({ from: 'a@example.com', to: 'b@example.com', text: 'text' });
      expect(smtp.greetings).to.deep.equal([name]);
      await smtp.stop();
    });
  }
});

const readers = (count: number) =>
  Array.from({ length: count }, (_, index) => `reader-${index}@example.com`);

/** Takes whatever is posted to it. */
async function startReceiver() {
  let heard = 0;
  const server = createServer((request, response) => {
    heard += 1;
    request.resume();
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}/`, heard: () => heard, stop };
}

describe('a mail in the outbox', () => {
  const vault = createVault('a-master-key-of-more-than-32-characters');
  const mailsOf = (with_: Vault, kept: OutboxMessage[] = []) => {
    const insert = (letter: OutboxMessage) => {
      kept.push(letter);
      return { sql: '', bindings: [] };
    };
    return createMails({ outboxTable: { insert } as unknown as OutboxTable, vault: with_ });
  };
  const link = 'https://id.example.com/reset-password/secret';
  const mail = { template: 'reset-link', to: 'a@example.com', values: { expires: 1 }, link };
  const written = (what: Mail): OutboxMessage => {
    const kept: OutboxMessage[] = [];
    mailsOf(vault, kept).write(what);
    return kept[0] as OutboxMessage;
  };

  it('stands plain but for the link, which opens on its own row alone', () => {
    const letter = written(mail);
    expect(letter.payload).to.have.all.keys(['template', 'to', 'values', 'sealed']);
    expect(letter.payload).to.deep.include({ template: 'reset-link', to: mail.to });
    expect(JSON.stringify(letter)).not.to.include('secret');
    expect(mailsOf(vault).open(letter)).to.deep.equal(mail);
    expect(() => mailsOf(vault).open({ ...letter, id: 'another' })).to.throw('damaged');
    const stranger = mailsOf(createVault('another-master-key-of-32-characters'));
    expect(() => stranger.open(letter)).to.throw('another GATEHOUSE_SECRET');
  });

  it('has nothing to seal without one', () => {
    const plain = { template: 'lockout', to: 'a@example.com', values: { until: 1 } };
    expect(written(plain).payload).to.deep.equal(plain);
    expect(mailsOf(vault).open(written(plain))).to.deep.include(plain);
  });

  it('to whoever has a name that somebody typed does not show the name', () => {
    const whose = { normalizedEmail: 'perhaps-a-password@example.com' };
    const letter = written({ template: 'lockout', to: whose, values: { until: 1 } });
    expect(JSON.stringify(letter)).not.to.include('perhaps');
    expect(mailsOf(vault).open(letter).to).to.deep.equal(whose);
  });
});

/** Nothing is fetched, nothing tells who reads, and it can be read by night. */
function expectPlainHtml({ html }: ReadMail, links: readonly string[]): void {
  expect(html).to.match(/^<!doctype html>\n<html lang="en">/);
  expect(html).not.to.match(/<(img|link|script|iframe|object|video|audio|form|input)\b/i);
  expect(html).not.to.match(/\b(src|srcset|background|poster)=|url\(|@import/i);
  const hrefs = [...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href);
  expect(hrefs).to.deep.equal(links);
  expect(html).to.include('<meta name="color-scheme" content="light dark">');
  expect(html).to.include('@media (prefers-color-scheme: dark)');
  expect(html.match(/<h1>/g)).to.have.length(1);
}
