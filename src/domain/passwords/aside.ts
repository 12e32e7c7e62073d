// Threads beside the main one, for what would hold it up: as many as hashes are at work at once.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { GatehouseError } from '../../lib/errors.ts';
import type { CryptTask } from './formats/crypt-rounds.ts';
import type { DigestTask } from './formats/digest-rounds.ts';
import type { PhpassTask } from './formats/phpass-rounds.ts';

export type AsideTask = { readonly password: Uint8Array } & (
  | { readonly by: 'crypt'; readonly task: CryptTask }
  | { readonly by: 'phpass'; readonly task: PhpassTask }
  | { readonly by: 'digest'; readonly task: DigestTask }
);

/** `failed`: the task could not be done; `lost`: the thread ended over it. */
type Outcome = Buffer | 'failed' | 'lost';
/** Takes one task at a time. */
type Thread = (task: AsideTask) => Promise<Outcome>;

const idle: Thread[] = [];
const FILE = new URL(`./aside-worker${extname(import.meta.filename)}`, import.meta.url);
/** MiB: a loop over digests keeps nothing. */
const MOST_HEAP = 32;
/** Threads that one task may be given to. */
const MOST_THREADS = 2;
const RETRY_AFTER = 5;

/**
 * Whoever calls has a slot of the hash queue, which bounds how many threads there are. Throws `busy`
 * where thread after thread is lost: that says nothing of the password.
 */
export async function aside(task: AsideTask): Promise<Buffer> {
  for (let tried = 0; tried < MOST_THREADS; tried += 1) {
    const thread = idle.pop() ?? createThread();
    const made = await thread(task);
    if (made === 'lost') continue;
    idle.push(thread);
    if (made === 'failed') throw new Error(`a hash could not be made (${task.by})`);
    return made;
  }
  throw new GatehouseError('busy', { retryAfter: RETRY_AFTER });
}

function createThread(): Thread {
  const worker = new Worker(FILE, { resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP } });
  let done: ((outcome: Outcome) => void) | undefined;
  const end = (outcome: Outcome) => {
    // Nobody has to wait for it in order to end.
    worker.unref();
    done?.(outcome);
    done = undefined;
  };
  const thread: Thread = (task) =>
    new Promise((resolve) => {
      done = resolve;
      worker.ref();
      worker.postMessage(task);
    });
  const leave = () => {
    const at = idle.indexOf(thread);
    if (at !== -1) idle.splice(at, 1);
    void worker.terminate();
    end('lost');
  };
  worker.on('message', (made: Uint8Array | undefined) => end(made ? Buffer.from(made) : 'failed'));
  worker.on('messageerror', leave);
  worker.on('error', leave);
  worker.on('exit', leave);
  return thread;
}
