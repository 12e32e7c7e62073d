// Delivers one mail from the outbox: by SMTP, or without a server as a file.
import { createTransport } from 'nodemailer';
import type { Accounts } from '../domain/accounts/accounts.ts';
import type { Mail, Mails } from '../domain/notices/mails.ts';
import type { OutboxMessage } from '../store/outbox.ts';
import type { Deliver } from './deliver.ts';
import type { WriteFile } from './files.ts';
import { type ContentNeeds, contentOf } from './mail-content.ts';
import { createSmtp, type MimeMail } from './smtp.ts';

export interface MailNeeds extends ContentNeeds {
  readonly settings: {
    readonly smtp_url?: string | undefined;
    readonly from?: string | undefined;
    readonly timeout: number;
  };
  readonly mails: Mails;
  readonly accounts: Accounts;
  readonly render: (view: string, data: Readonly<Record<string, unknown>>) => string;
  readonly write: WriteFile;
}

export function createMailDelivery(needs: MailNeeds): Deliver {
  const { issuer, settings } = needs;
  const { smtp_url: url, timeout } = settings;
  const send = url === undefined ? undefined : createSmtp({ smtp_url: url, timeout, issuer });
  return async (message) => {
    const mail = needs.mails.open(message);
    const address = await addressOf(mail, needs.accounts);
    // Nobody has the address that somebody typed, or nobody is left who could be told.
    if (address === undefined) return;
    const composed = compose(mail, address, message, needs);
    if (send) await send(composed);
    else await needs.write(`${message.id}.eml`, await toBytes(composed));
  };
}

async function addressOf({ to }: Mail, accounts: Accounts): Promise<string | undefined> {
  if (typeof to === 'string') return to;
  const isAccount = 'accountId' in to;
  const account = isAccount
    ? await accounts.find(to.accountId)
    : await accounts.findByEmail(to.normalizedEmail);
  return account?.status === 'suspended' ? undefined : account?.email;
}

function compose(mail: Mail, to: string, message: OutboxMessage, needs: MailNeeds): MimeMail {
  const { product, settings, render } = needs;
  const { hostname } = new URL(needs.issuer);
  const { template, values, link } = mail;
  const content = { ...contentOf({ template, values, address: to, link }, needs) };
  return {
    from: { name: product, address: settings.from ?? `no-reply@${hostname}` },
    // In the form in which it was checked: a wide letter is no other mailbox.
    to: { name: '', address: to.normalize('NFKC') },
    subject: content.subject,
    // Equal at every try, so that a mail that arrives twice is seen once.
    messageId: `<${message.id}.${message.expiresAt}@${hostname}>`,
    headers: { 'Auto-Submitted': 'auto-generated' },
    text: plain(render('messages/text', { content })),
    html: render('messages/html', { content }),
  };
}

const ASCII = /^[\t\n\x20-\x7e]*$/;
const LONGEST_LINE = 998;

/** As it stands where that is allowed, so that a link can be read and copied from the file. */
function plain(text: string): NonNullable<MimeMail['text']> {
  const isPlain = ASCII.test(text) && text.split('\n').every((line) => line.length < LONGEST_LINE);
  if (!isPlain) return text;
  const head = ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 7bit'];
  return { raw: [...head, '', ...text.split('\n')].join('\r\n') };
}

const composer = createTransport({ streamTransport: true, buffer: true, newline: 'windows' });

async function toBytes(mail: MimeMail): Promise<Buffer> {
  const { message } = await composer.sendMail({ ...mail, disableFileAccess: true });
  return message as Buffer;
}
