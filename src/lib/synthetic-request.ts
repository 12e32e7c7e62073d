// A request as if it had just been received: for whoever reads it after somebody else.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

export function syntheticRequest(
  { method, url, headers }: RequestHead,
  body: Buffer,
): IncomingMessage {
  // No socket of a visitor's: whatever ends this request leaves theirs alone.
  const message = new IncomingMessage(new Socket());
  Object.assign(message, { method, url, complete: true });
  const { 'transfer-encoding': _chunked, ...others } = headers;
  Object.assign(message.headers, others, { 'content-length': String(body.length) });
  message.push(body);
  message.push(null);
  return message;
}
