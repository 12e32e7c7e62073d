// A small SMTP server (RFC 5321): takes mails, refuses them, or never says a word.

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

export interface Received {
  readonly from: string;
  readonly to: readonly string[];
  /** As it was sent, without the dots that SMTP adds. */
  readonly data: string;
  /** What AUTH PLAIN said, decoded. */
  readonly auth: string | undefined;
}

export type Mood = 'takes' | 'refuses' | 'says nothing' | 'stops half-way' | 'mumbles';

export interface SmtpServer {
  readonly url: string;
  readonly received: readonly Received[];
  /** Whom each connection said it is from. */
  readonly greetings: readonly string[];
  /** How many have connected. */
  readonly connections: () => number;
  mood: Mood;
  stop(): Promise<void>;
}

export async function startSmtp(mood: Mood = 'takes'): Promise<SmtpServer> {
  const received: Received[] = [];
  const greetings: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    serve(socket, smtp.mood, { received, greetings });
  });
  await listen(server);
  const smtp: SmtpServer = {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    greetings,
    connections: () => connections,
    mood,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return smtp;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

interface Kept {
  readonly received: Received[];
  readonly greetings: string[];
}

function serve(socket: Socket, mood: Mood, kept: Kept): void {
  if (mood === 'mumbles') mumble(socket);
  else if (mood !== 'says nothing') converse(socket, mood, kept);
}

function converse(socket: Socket, mood: Mood, { received, greetings }: Kept): void {
  const say = (text: string) => socket.write(`${text}\r\n`);
  let mail: { from: string; to: string[]; auth: string | undefined };
  let data: string[] | undefined;
  let auth: string | undefined;

  const command = (line: string): void => {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'EHLO' || verb === 'HELO') {
      greetings.push(line.slice(5));
      say('250-test');
      say('250-AUTH PLAIN');
      say('250-SMTPUTF8');
      say('250 8BITMIME');
    } else if (verb === 'AUTH') {
      auth = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString();
      say('235 welcome');
    } else if (verb === 'MAIL') {
      mail = { from: addressIn(line), to: [], auth };
      say('250 ok');
    } else if (verb === 'RCPT') {
      mail.to.push(addressIn(line));
      say(mood === 'refuses' ? '550 no such mailbox' : '250 ok');
    } else if (verb === 'DATA') {
      if (mood === 'stops half-way') return;
      data = [];
      say('354 go on');
    } else if (verb === 'QUIT') {
      say('221 bye');
      socket.end();
    } else {
      say('250 ok');
    }
  };

  const read = (line: string): void => {
    if (!data) command(line);
    else if (line !== '.') data.push(line.startsWith('.') ? line.slice(1) : line);
    else {
      received.push({ ...mail, data: data.join('\r\n') });
      data = undefined;
      say('250 taken');
    }
  };

  let rest = '';
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) read(line);
  });
  say('220 test');
}

/** Answers the first word with one that never ends, and is never silent for long. */
function mumble(socket: Socket): void {
  socket.write('220 test\r\n');
  socket.once('data', () => {
    const timer = setInterval(() => socket.write('250-one moment\r\n'), 50);
    socket.on('close', () => clearInterval(timer));
  });
}

function addressIn(line: string): string {
  return /<([^>]*)>/.exec(line)?.[1] ?? '';
}
