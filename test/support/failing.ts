// Servers that fail while they serve, and what whoever asks them sees of it.
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';

/** For `env`: SIGUSR2 throws, SIGHUP rejects, and nobody catches it. */
export const FRAGILE = { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'fragile.ts')}` };

const PATIENCE = 45_000;

/** Rejects before the test is over: what it leaves behind would wait for ever. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`still waiting until ${isTrue}`);
    await sleep(20);
  }
}

/** Whether nobody takes connections any more. */
export function isAway(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/health/live`, { headers: { connection: 'close' } }).then(
    () => false,
    () => true,
  );
}

/** A request that is being handled, and whose body is still to come. @returns sends the rest */
export async function beginRequest(port: number): Promise<() => Promise<string>> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const form = 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7';
  socket.write(`POST /token HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n${form}\r\n\r\n`);
  const [begun] = await once(socket, 'data');
  expect(String(begun)).to.match(/^HTTP\/1\.1 100 /);
  return () => {
    socket.write('a=bcdef');
    return text(socket);
  };
}
