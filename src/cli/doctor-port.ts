// Whether the port is free, or taken by the very Gatehouse that is asked about.
import { createServer } from 'node:net';
import type { Config } from '../config/schema.ts';
import { createOutgoing } from '../lib/outgoing.ts';

/** Bytes. Whatever listens there may answer anything. */
const LONGEST_ANSWER = 64 * 1024;
const ANY = new Set(['0.0.0.0', '::', '']);

export async function checkPort({ host, port, issuer }: Config): Promise<string> {
  const where = `${host}:${port}`;
  if (await isFree(host, port)) return `${where} is free`;
  const served = await askIssuer(host, port);
  if (served === issuer) return `${where} is served by this Gatehouse`;
  if (served === undefined) throw new Error(`${where} is in use: set PORT`);
  throw new Error(`${where} is in use by ${served}, and ISSUER is ${issuer}: set PORT or ISSUER`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** Undefined where whatever listens there is no provider. */
async function askIssuer(host: string, port: number): Promise<string | undefined> {
  const name = ANY.has(host) ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  const call = createOutgoing({ allow_private: true, timeout: 2 });
  try {
    const url = `http://${name}:${port}/.well-known/openid-configuration`;
    const answer = await call(url, {}, LONGEST_ANSWER);
    const { issuer } = (await answer.json()) as { issuer?: unknown };
    return typeof issuer === 'string' ? issuer : undefined;
  } catch {
    return undefined;
  }
}
