// Threads beside the main one, for what would hold it up: as many as hashes are at work at once.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { CryptTask } from './formats/crypt-rounds.ts';
import type { DigestTask } from './formats/digest-rounds.ts';
import type { PhpassTask } from './formats/phpass-rounds.ts';

export type AsideTask = { readonly password: Uint8Array } & (
  | { readonly by: 'crypt'; readonly task: CryptTask }
  | { readonly by: 'phpass'; readonly task: PhpassTask }
  | { readonly by: 'digest'; readonly task: DigestTask }
);

/** Gives one task at a time; rejects when it ends over it. */
type Thread = (task: AsideTask) => Promise<Buffer>;

const idle: Thread[] = [];
const FILE = new URL(`./aside-worker${extname(import.meta.filename)}`, import.meta.url);
/** MiB: a loop over digests keeps nothing. */
const MOST_HEAP = 32;

/** Whoever calls has a slot of the hash queue, which bounds how many threads there are. */
export async function aside(task: AsideTask): Promise<Buffer> {
  const thread = idle.pop() ?? createThread();
  const made = await thread(task);
  idle.push(thread);
  return made;
}

function createThread(): Thread {
  const worker = new Worker(FILE, { resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP } });
  let done: ((made: Buffer | Error) => void) | undefined;
  const end = (made: Buffer | Error) => {
    // Nobody has to wait for it in order to end.
    worker.unref();
    done?.(made);
    done = undefined;
  };
  const thread: Thread = (task) =>
    new Promise((resolve, reject) => {
      done = (made) => (made instanceof Error ? reject(made) : resolve(made));
      worker.ref();
      worker.postMessage(task);
    });
  const leave = (error: Error) => {
    const at = idle.indexOf(thread);
    if (at !== -1) idle.splice(at, 1);
    void worker.terminate();
    end(error);
  };
  worker.on('message', (made: Uint8Array) => end(Buffer.from(made)));
  worker.on('messageerror', leave);
  worker.on('error', leave);
  worker.on('exit', () => leave(new Error('the thread of a hash has ended')));
  return thread;
}
