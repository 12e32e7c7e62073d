// A file that is read twice: once to see that all of it is UTF-8, and once for what it holds.
import { constants } from 'node:fs';
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { GatehouseError } from '../lib/errors.ts';
import { createEncodingCheck } from '../lib/utf8.ts';

const CHUNK = 64 * 1024;

/**
 * Calls `work` with the bytes of a file, or of standard input for `-`. One that is not UTF-8 is
 * refused before: what has been written by then could not be taken back.
 */
export async function withImportFile<T>(
  name: string,
  work: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const file = await (name === '-' ? keep(process.stdin) : openTwice(name)).catch(refuse);
  try {
    await assertUtf8(file);
    return await work(chunksOf(file));
  } finally {
    await file.close();
  }
}

async function assertUtf8(file: FileHandle): Promise<void> {
  const check = createEncodingCheck();
  for await (const chunk of chunksOf(file)) assertNoFlaw(check.push(chunk));
  assertNoFlaw(check.end());
}

function assertNoFlaw(flaw: string | undefined): void {
  if (flaw) throw refusal(`Nothing was imported: the file ${flaw}`);
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let position = 0; ; ) {
    const buffer = Buffer.alloc(CHUNK);
    const { bytesRead } = await file.read(buffer, 0, CHUNK, position).catch(refuse);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    position += bytesRead;
  }
}

/** A pipe has a name, too, but gives its bytes once. */
async function openTwice(name: string): Promise<FileHandle> {
  const file = await open(name, constants.O_RDONLY);
  const stat = await file.stat();
  return stat.isFile() ? file : keep(file.createReadStream());
}

/** The file has lost its name before anything stands in it: nothing stays behind, even if killed. */
async function keep(stream: Readable): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-import-'));
  const kept = await open(join(folder, 'input'), 'wx+', 0o600);
  await rm(folder, { recursive: true });
  for await (const chunk of stream) await kept.writeFile(chunk);
  return kept;
}

function refuse(error: NodeJS.ErrnoException): never {
  throw refusal(`The file cannot be read (${error.code ?? error.message}).`, error);
}

function refusal(message: string, cause?: unknown): GatehouseError {
  return new GatehouseError('invalid_input', { message, cause });
}
