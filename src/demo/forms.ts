// Reads posted forms and refuses those that the app's own pages did not send.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import { problem } from './problems.ts';
import type { Session } from './sessions.ts';

const maximumBytes = 4096;

export async function acceptForm(ctx: Context, session: Session, baseUrl: string): Promise<void> {
  if (!isOwnOrigin(ctx, baseUrl)) throw problem(403, 'This form came from another site.');
  const form = await readForm(ctx);
  if (!isEqual(form.get('csrf') ?? '', session.csrf)) {
    throw problem(403, 'This page was out of date. Go back to the start and try again.');
  }
}

function isOwnOrigin(ctx: Context, baseUrl: string): boolean {
  const origin = ctx.get('Origin');
  if (origin === '' || origin === new URL(baseUrl).origin) return true;
  // Browsers send "null" for forms on pages with the policy no-referrer, as this app's have.
  return origin === 'null' && ['', 'same-origin'].includes(ctx.get('Sec-Fetch-Site'));
}

async function readForm(ctx: Context): Promise<URLSearchParams> {
  if (ctx.is('application/x-www-form-urlencoded') === false) {
    throw problem(415, 'This app only takes forms.');
  }
  const form = new URLSearchParams(await readBody(ctx.req));
  if (new Set(form.keys()).size !== form.size) throw problem(400, 'A field was sent twice.');
  return form;
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // Read on and thrown away past the limit: a sender that is cut off never sees the answer.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maximumBytes) chunks.push(chunk);
      else reject(problem(413, 'This form is too large.'));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
  });
}

function isEqual(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
