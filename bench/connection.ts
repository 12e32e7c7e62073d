// One keep-alive HTTP/1.1 connection, as thin as can be: the generator must not be the limit.
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  /** Stands until the next request is sent. */
  readonly body: Buffer;
}

export interface Connection {
  /** Sends one request, once the one before has been answered. */
  send(request: string): Promise<Answer>;
  close(): void;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const NOTHING = Buffer.alloc(0);
const ROOM = 64 * 1024;

export function openConnection(port: number): Connection {
  let waiting: Waiting | undefined;
  let received: Buffer = NOTHING;
  let broken: Error | undefined;

  const fail = (error: Error) => {
    broken ??= error;
    waiting?.reject(broken);
    waiting = undefined;
  };
  const take = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = readAnswer(received);
    if (!answer) {
      received = Buffer.from(received);
      return;
    }
    received = NOTHING;
    const asked = waiting;
    waiting = undefined;
    asked?.resolve(answer);
  };

  const onRead = (size: number, room: Uint8Array): boolean => {
    try {
      take(Buffer.from(room.buffer, room.byteOffset, size));
    } catch (error) {
      fail(error as Error);
      socket.destroy();
    }
    return true;
  };

  // One buffer for all that comes: a new one for each answer would be a quarter of the work.
  const onread = { buffer: Buffer.alloc(ROOM), callback: onRead };
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
  socket.on('error', fail);
  socket.on('close', () => fail(new Error('the server closed the connection')));

  return {
    send: (request) =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken);
        waiting = { resolve, reject };
        socket.write(request, 'latin1');
      }),
    close: () => socket.destroy(),
  };
}

const HEAD_END = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding:/i;

/** Undefined until all of it has come. */
function readAnswer(bytes: Buffer): Answer | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end === -1) return undefined;
  const head = bytes.toString('latin1', 0, end);
  if (CHUNKED.test(head)) throw new Error('a chunked answer: the generator reads none');
  const start = end + HEAD_END.length;
  const length = Number(LENGTH.exec(head)?.[1] ?? 0);
  if (bytes.length < start + length) return undefined;
  return { status: Number(head.slice(9, 12)), head, body: bytes.subarray(start, start + length) };
}
