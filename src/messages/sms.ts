// Delivers one text message from the outbox: posted to a webhook, or outside production a file.
import { createHmac } from 'node:crypto';
import type { Sms } from '../domain/notices/sms.ts';
import { nowSeconds } from '../lib/clock.ts';
import type { Outgoing } from '../lib/outgoing.ts';
import type { Deliver } from './deliver.ts';
import type { WriteFile } from './files.ts';

export interface SmsNeeds {
  readonly settings: {
    readonly webhook_url?: string | undefined;
    readonly webhook_secret?: string | undefined;
  };
  readonly sms: Sms;
  readonly call: Outgoing;
  readonly write: WriteFile;
}

export function createSmsDelivery({ settings, sms, call, write }: SmsNeeds): Deliver {
  const { webhook_url: url, webhook_secret: secret } = settings;
  return async (message) => {
    const { to, text } = sms.open(message);
    const body = JSON.stringify({ to, text, id: message.id });
    if (url === undefined) return write(`${message.id}.sms.json`, `${body}\n`);
    if (secret === undefined) throw new Error('sms.webhook_secret is not set');
    await post({ url, secret, body }, call);
  };
}

interface Post {
  readonly url: string;
  readonly secret: string;
  readonly body: string;
}

async function post({ url, secret, body }: Post, call: Outgoing): Promise<void> {
  const signature = signatureOf(body, secret, nowSeconds());
  const headers = { 'Content-Type': 'application/json', 'Gatehouse-Signature': signature };
  const response = await call(url, { method: 'POST', headers, body });
  if (!response.ok) throw new Error(`${new URL(url).host} answered ${response.status}`);
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA256 of `SECONDS.BODY`, so that an old post cannot be sent again. */
export function signatureOf(body: string, secret: string, seconds: number): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return `t=${seconds},v1=${mac}`;
}
