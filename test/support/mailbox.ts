// What people find in their mailboxes: the files in DATA_DIR/outbox, read as mail programs read them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../../src/lib/clock.ts';
import type { Gatehouse } from './gatehouse.ts';

export interface ReadMail {
  /** In lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly raw: string;
}

/** Everything that is due; what fails is due later. */
export async function deliverAll({ core }: Pick<Gatehouse, 'core'>): Promise<void> {
  const { store } = core;
  const waiting = () =>
    store
      .sql('outbox')
      .whereNull('done_at')
      .where('due_at', '<=', now())
      .where('expires_at', '>', now());
  do {
    await core.deliver();
  } while (await store.find(store.compile(waiting().first())));
}

export function outboxFiles(dataDir: string, ending: string): string[] {
  const folder = join(dataDir, 'outbox');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.sort().map((name) => join(folder, name));
}

/** The mails to an address, oldest first. */
export async function mailsTo(
  gatehouse: Pick<Gatehouse, 'core' | 'database'>,
  address: string,
): Promise<ReadMail[]> {
  await deliverAll(gatehouse);
  const files = outboxFiles(gatehouse.database.dataDir, '.eml');
  return files
    .map((file) => readMail(readFileSync(file, 'utf8')))
    .filter(({ to }) => to === address);
}

export async function lastMailTo(
  gatehouse: Pick<Gatehouse, 'core' | 'database'>,
  address: string,
): Promise<ReadMail> {
  const last = (await mailsTo(gatehouse, address)).at(-1);
  if (!last) throw new Error(`no mail to ${address}`);
  return last;
}

const LINK = /^https?:\/\/\S+\/reset-password\/[\w-]{43}$/m;

/** The one-time link of a mail. */
export function linkIn({ text }: Pick<ReadMail, 'text'>): string {
  const link = LINK.exec(text)?.[0];
  if (!link) throw new Error(`no link in:\n${text}`);
  return link;
}

/** All one-time links that were mailed to an address, oldest first. */
export async function linksTo(
  gatehouse: Pick<Gatehouse, 'core' | 'database'>,
  address: string,
): Promise<string[]> {
  const mails = await mailsTo(gatehouse, address);
  return mails.filter(({ text }) => LINK.test(text)).map(linkIn);
}

/** Waits for one more: another process may be about to deliver it. */
export async function nextLinkTo(
  gatehouse: Pick<Gatehouse, 'core' | 'database'>,
  address: string,
  before: readonly string[],
): Promise<string> {
  for (let tries = 0; tries < 500; tries += 1) {
    const link = (await linksTo(gatehouse, address)).find((each) => !before.includes(each));
    if (link) return link;
    await sleep(20);
  }
  throw new Error(`no further link to ${address}`);
}

/** Waits for it: another process may be about to deliver it. */
export async function waitForMail(
  gatehouse: Pick<Gatehouse, 'core' | 'database'>,
  address: string,
  isWanted: (mail: ReadMail) => boolean,
): Promise<ReadMail> {
  for (let tries = 0; tries < 500; tries += 1) {
    const mail = (await mailsTo(gatehouse, address)).find(isWanted);
    if (mail) return mail;
    await sleep(20);
  }
  throw new Error(`no such mail to ${address}`);
}

/** RFC 5322 and RFC 2045, as far as our mails go. */
export function readMail(raw: string): ReadMail {
  const { headers, body } = splitPart(raw);
  const boundary = /boundary="([^"]+)"/.exec(headers.get('content-type') ?? '')?.[1];
  if (!boundary) throw new Error('not multipart');
  const parts = body
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => splitPart(part.slice(2)));
  const contentOf = (type: string) => {
    const part = parts.find((each) => each.headers.get('content-type')?.startsWith(type));
    if (!part) throw new Error(`no ${type}`);
    return decodeBody(part.body, part.headers.get('content-transfer-encoding') ?? '7bit');
  };
  return {
    headers,
    raw,
    to: headers.get('to') ?? '',
    subject: decodeWords(headers.get('subject') ?? ''),
    text: contentOf('text/plain'),
    html: contentOf('text/html'),
  };
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function splitPart(text: string): Part {
  const end = text.indexOf('\r\n\r\n');
  const lines = text
    .slice(0, end)
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { headers: new Map(headers), body: text.slice(end + 4) };
}

function decodeBody(body: string, encoding: string): string {
  const text = body.replace(/\r\n$/, '');
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString('utf8');
  return (encoding === 'quoted-printable' ? decodeQuoted(text) : text).replaceAll('\r\n', '\n');
}

function decodeQuoted(text: string): string {
  const joined = text.replace(/=\r\n/g, '');
  const bytes = joined.replace(/=([0-9A-F]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function decodeWords(text: string): string {
  return text.replace(/=\?utf-8\?([QB])\?([^?]*)\?=\s*/gi, (_, kind: string, word: string) =>
    kind.toUpperCase() === 'B'
      ? Buffer.from(word, 'base64').toString('utf8')
      : decodeQuoted(word.replaceAll('_', ' ')),
  );
}
