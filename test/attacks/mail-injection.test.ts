// Names, browsers and addresses that want to be more in a mail than a line of text.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createNotices, type Notice } from '../../src/domain/notices/notices.ts';
import { createVault } from '../../src/lib/vault.ts';
import { createOutboxTable } from '../../src/store/outbox.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { deliverAll, outboxFiles, type ReadMail, readMail } from '../support/mailbox.ts';
import { SQLITE } from '../support/stores.ts';

const PAYLOADS = [
  'x\r\nBcc: everybody@example.com',
  'x\r\n\r\n<script>alert(1)</script>',
  '"><img src="https://evil.example.com/pixel.png">',
  '</td></tr></table><a href="https://evil.example.com/">Choose a new password</a>',
  '{product} {link} <%= 1 %>',
  '\u202Egnp.live\u0000\u001b[31m',
  'x'.repeat(10_000),
];

describe('mail injection', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
  });
  after(() => gatehouse.stop());

  const mailFor = async (notice: Notice, email = 'reader@example.com'): Promise<ReadMail> => {
    const { database, core } = gatehouse;
    const secret = readFileSync(join(database.dataDir, 'secret'), 'utf8').trim();
    const needs = { outboxTable: createOutboxTable(core.store), vault: createVault(secret) };
    await core.store.write(createNotices(needs).noticeFor({ email, name: undefined }, notice));
    await deliverAll(gatehouse);
    return readMail(readFileSync(outboxFiles(database.dataDir, '.eml').at(-1) ?? '', 'utf8'));
  };
  const headerNames = ({ headers }: ReadMail) => [...headers.keys()].sort();
  /** The markup without what stands between it. */
  const markupOf = ({ html }: ReadMail) =>
    [...html.matchAll(/<[a-z/!][^>]*>/gi)].map(([tag]) => tag).join('');

  for (const payload of PAYLOADS) {
    const shown = JSON.stringify(payload.slice(0, 40));

    it(`the name of an authenticator: ${shown}`, async () => {
      const usual = await mailFor({ kind: 'factor-added', name: 'My phone' });
      const mail = await mailFor({ kind: 'factor-added', name: payload });
      expect(headerNames(mail)).to.deep.equal(headerNames(usual));
      expect(mail.to).to.equal('reader@example.com');
      expect(markupOf(mail)).to.equal(markupOf(usual));
      expect(mail.text.split('\n')).to.have.length(usual.text.split('\n').length);
      expect(mail.text.length).to.be.below(usual.text.length + 60);
      expect(mail.text).not.to.match(/[^\P{C}\n]/u);
    });

    it(`what a browser calls itself: ${shown}`, async () => {
      const device = {
        kind: 'new-device',
        address: '192.0.2.7',
        at: Date.UTC(2026, 0, 1),
      } as const;
      const usual = await mailFor({ ...device, userAgent: '' });
      const mail = await mailFor({ ...device, userAgent: payload });
      expect(mail.text).to.equal(usual.text);
      expect(mail.html).to.equal(usual.html);
      expect(mail.text).to.include('Browser: An unknown browser');
    });
  }

  it('an address in wide letters is the address that it was checked as', async () => {
    const mail = await mailFor({ kind: 'password-changed' }, 'ｒeader＠example.com');
    expect(mail.to).to.equal('reader@example.com');
  });
});
