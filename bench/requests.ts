// Requests as the text that goes over the line, and what is expected to come back.
import type { Answer } from './connection.ts';

export interface Server {
  readonly name: ServerName;
  readonly issuer: string;
  readonly port: number;
  readonly pid: number;
}

export const SERVERS = ['bare', 'gatehouse'] as const;
export type ServerName = (typeof SERVERS)[number];

type Headers = Readonly<Record<string, string>>;

export function getRequest(server: Server, path: string, headers: Headers = {}): string {
  return `GET ${path} HTTP/1.1\r\n${lines(server, headers)}\r\n`;
}

export function formRequest(
  server: Server,
  path: string,
  fields: Readonly<Record<string, string>>,
  headers: Headers = {},
): string {
  const body = new URLSearchParams(fields).toString();
  const all = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'Content-Length': String(body.length),
    ...headers,
  };
  return `POST ${path} HTTP/1.1\r\n${lines(server, all)}\r\n${body}`;
}

function lines({ issuer }: Server, headers: Headers): string {
  const all = Object.entries({ Host: new URL(issuer).host, ...headers });
  return all.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

export function basic({ id, secret }: { id: string; secret: string }): Headers {
  return { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

/** Throws unless the answer is a 200; what is timed must be the work, not a refusal. */
export function expectOk(answer: Answer, what: string): Answer {
  if (answer.status === 200) return answer;
  const text = answer.body.toString().slice(0, 500);
  throw new Error(`${what}: ${answer.head.split('\r\n')[0]}\n${text}`);
}

export function jsonOf(answer: Answer, what: string): Record<string, unknown> {
  return JSON.parse(expectOk(answer, what).body.toString());
}
