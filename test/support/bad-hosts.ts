// Hosts as nobody wants to call them: they refuse, reset, hang, send without end, or lead astray.
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { createServer as createTlsServer } from 'node:tls';
import { freePort } from './ports.ts';

export const FAULTS = [
  'gone',
  'refuses',
  'resets',
  'unknown CA',
  'hangs',
  'endless',
  'redirects',
] as const;
export type Fault = (typeof FAULTS)[number];

/** Who speaks first: the server in SMTP, the caller in HTTP. */
export type Protocol = 'http' | 'smtp';

export interface BadHost {
  /** Name and port, as they stand in a URL. */
  readonly host: string;
  /** With a certificate, or without TLS. */
  readonly isSecure: boolean;
  /** Bytes that left for the caller. */
  sent(): number;
  /** How many have connected. */
  connections(): number;
  stop(): void;
}

/** Below `.invalid` there are no names (RFC 2606). */
export const GONE = 'nowhere.invalid';
const ENDLESS = 200 * 1024 * 1024;

/** @param elsewhere where one that redirects leads to */
export async function startBadHost(
  fault: Fault,
  protocol: Protocol,
  elsewhere = '',
): Promise<BadHost> {
  if (fault === 'gone' || fault === 'refuses') return nobody(fault);
  const sockets = new Set<Socket>();
  let connections = 0;
  let sent = 0;
  const serve = (socket: Socket) => {
    socket.on('error', () => undefined);
    if (protocol === 'smtp') misbehave(fault, protocol, socket, elsewhere);
    else socket.once('data', () => misbehave(fault, protocol, socket, elsewhere));
  };
  const isSecure = fault === 'unknown CA';
  const server = isSecure
    ? createTlsServer({ key: KEY, cert: CERTIFICATE }, serve)
    : createServer(serve);
  // What the caller does not trust, it hangs up on.
  server.on('tlsClientError', () => undefined);
  server.on('connection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => {
      sent += socket.bytesWritten;
      sockets.delete(socket);
    });
  });
  await listen(server);
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    isSecure,
    sent: () => sent + [...sockets].reduce((sum, each) => sum + each.bytesWritten, 0),
    connections: () => connections,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function nobody(fault: Fault): Promise<BadHost> {
  return {
    host: fault === 'gone' ? GONE : `localhost:${await freePort()}`,
    isSecure: false,
    sent: () => 0,
    connections: () => 0,
    stop: () => undefined,
  };
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function misbehave(fault: Fault, protocol: Protocol, socket: Socket, elsewhere: string): void {
  if (fault === 'resets') {
    socket.write(protocol === 'http' ? 'HTTP/1.1 20' : '220-te', () => socket.resetAndDestroy());
  } else if (fault === 'endless') {
    if (protocol === 'http') socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${ENDLESS}\r\n\r\n`);
    flood(socket);
  } else if (fault === 'redirects' && protocol === 'http') {
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${elsewhere}\r\nContent-Length: 0\r\n\r\n`);
  } else if (fault === 'redirects') {
    socket.end(`551 not here, try <${elsewhere}>\r\n`);
  }
}

/** One line, for whoever reads lines. */
function flood(socket: Socket): void {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  const chunks = Array.from({ length: ENDLESS / chunk.length }, () => chunk);
  Readable.from(chunks)
    .on('error', () => undefined)
    .pipe(socket);
}

/** Made for these tests and signed by itself; it holds from 2020 to 2120. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg2Y5lHsyjR1SFQapP
41YQEG5dIc6wTJXkpO+syh5iriuhRANCAARcmSwOAyj8j8wdyVwiidkb2acx7lvP
S22ExhdUPwl3pTfN4whshMMZM04a/5a3x4wUl1GklgzBx9Z0XZohYuKe
-----END PRIVATE KEY-----
`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBVTCB/KADAgECAgEBMAoGCCqGSM49BAMCMBQxEjAQBgNVBAMMCWxvY2FsaG9z
dDAgFw0yMDAxMDEwMDAwMDBaGA8yMTIwMDEwMTAwMDAwMFowFDESMBAGA1UEAwwJ
bG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEXJksDgMo/I/MHclc
IonZG9mnMe5bz0tthMYXVD8Jd6U3zeMIbITDGTNOGv+Wt8eMFJdRpJYMwcfWdF2a
IWLinqM9MDswGgYDVR0RBBMwEYIJbG9jYWxob3N0hwR/AAABMB0GA1UdDgQWBBQP
//F+wCeHMKyMBimv1VaCCLSpOzAKBggqhkjOPQQDAgNIADBFAiBYppeZrvYzcgVo
GOp2ZIjtKTnTw7Y1xiEv2P+DpjUaqAIhAPPcdmeAXuZdv4LKtfdRw1KHDQoGWUAr
qXiXfElauyPJ
-----END CERTIFICATE-----
`;
