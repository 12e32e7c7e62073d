// Hosts with https on this machine: a certificate made at once, and a door that ends TLS.
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** By which Chromium is told to trust it: base64 of the SHA-256 of its public key. */
  readonly pin: string;
}

/** Answers for a host, or the port that does. */
export type Host = number | ((request: IncomingMessage, response: ServerResponse) => void);

export interface TlsDoor {
  readonly port: number;
  readonly pin: string;
  /** One may be added once its port is known. */
  serve(name: string, host: Host): void;
  stop(): void;
}

export async function startTlsDoor(names: readonly string[]): Promise<TlsDoor> {
  const hosts = new Map<string, Host>();
  const { pin, ...certificate } = createCertificate(names);
  const server = createServer(certificate, (request, response) => {
    const host = hosts.get((request.headers.host ?? '').split(':')[0] ?? '');
    if (typeof host === 'function') host(request, response);
    else pass(host ?? 0, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    pin,
    port: (server.address() as AddressInfo).port,
    serve: (name, host) => hosts.set(name, host),
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function pass(port: number, request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url: path = '/', headers } = request;
  const onward = forward({ host: 'localhost', port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  request.pipe(onward);
}

const EC_SHA256 = '06082a8648ce3d040302';
const COMMON_NAME = '0603550403';
const ALTERNATIVE_NAMES = '0603551d11';
const A_DAY = 86_400_000;

/** Signed by itself (RFC 5280). */
function createCertificate(names: readonly string[]): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const body = certificateBody(spki, names);
  const der = sequence(body, sequence(hex(EC_SHA256)), bits(signed(body, privateKey)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    pin: createHash('sha256').update(spki).digest('base64'),
  };
}

const signed = (body: Buffer, key: KeyObject) => sign('sha256', body, key);

function certificateBody(spki: Buffer, names: readonly string[]): Buffer {
  const name = sequence(value(0x31, sequence(hex(COMMON_NAME), value(0x0c, text('tests')))));
  const hosts = sequence(...names.map((each) => value(0x82, text(each))));
  const extensions = sequence(sequence(hex(ALTERNATIVE_NAMES), value(0x04, hosts)));
  return sequence(
    value(0xa0, value(0x02, Buffer.from([2]))),
    value(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    sequence(hex(EC_SHA256)),
    name,
    sequence(time(Date.now() - A_DAY), time(Date.now() + A_DAY)),
    name,
    spki,
    value(0xa3, extensions),
  );
}

function time(at: number): Buffer {
  const [digits = ''] = new Date(at).toISOString().replace(/[-T:]/g, '').slice(2).split('.');
  return value(0x17, text(`${digits}Z`));
}

const hex = (digits: string) => Buffer.from(digits, 'hex');
const text = (letters: string) => Buffer.from(letters);
const bits = (bytes: Buffer) => value(0x03, Buffer.concat([Buffer.from([0]), bytes]));
const sequence = (...parts: readonly Buffer[]) => value(0x30, Buffer.concat(parts));

/** Tag, length and content (X.690). */
function value(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const long = length > 255 ? [0x82, length >> 8, length & 255] : [0x81, length];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
}
