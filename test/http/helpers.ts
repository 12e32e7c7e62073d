// Requests that fetch would never send, and what every answer must be.
import { request } from 'node:http';
import { connect } from 'node:net';
import { expect } from 'chai';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Sending {
  readonly method?: string;
  /** Sent as it stands, Host too. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

/** One request to `url`'s port, with any Host and any target; no redirect followed. */
export function send(url: string, target: string, sending: Sending = {}): Promise<Answer> {
  const { method = 'GET', headers = {}, body } = sending;
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { host: 'localhost', port, method, path: target, agent: false as const };
    const sent = request({ ...options, headers: headers as Record<string, string> }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: headersOf(response.rawHeaders),
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let at = 0; at < raw.length; at += 2) headers.append(raw[at] ?? '', raw[at + 1] ?? '');
  return headers;
}

/**
 * Sends bytes as they are; all that came back until the other side closed.
 * @param leave closes its own side at once: to the server, the visitor has gone
 */
export function sendBytes(url: string, bytes: string | Buffer, leave = false): Promise<string> {
  const { port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: 'localhost' });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    if (leave) socket.end(bytes);
    else socket.write(bytes);
  });
}

/** The status of each answer in a stream of them. */
export function statuses(stream: string): number[] {
  return [...stream.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

const INSIDE =
  /node_modules|node:internal|\bat .+:\d+:\d+|\/src\/|\/work\/|\.[tj]s:\d|oidc-provider|SQLITE|better-sqlite3|relation "|syntax error|select \*|insert into/i;
/** Short enough to stand in a random value now and then, were they looked for in any case. */
const SHORT = /\bpg_[a-z]{3}|(?<![\w-])[Kk]oa\b/;

/** Nothing of the inside: no stack, no path, no SQL, no name or version of what it is made of. */
export function expectNoInside({ text, headers }: Answer): void {
  expect(text).not.to.match(INSIDE).and.not.to.match(SHORT);
  for (const name of ['x-powered-by', 'server', 'x-aspnet-version']) {
    expect(headers.get(name), name).to.equal(null);
  }
}
