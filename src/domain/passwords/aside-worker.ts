// A thread for the forms that are loops over digests, which Node has no asynchronous call for.
import { parentPort } from 'node:worker_threads';
import type { AsideTask } from './aside.ts';
import { cryptChecksum } from './formats/crypt-rounds.ts';
import { digestChain } from './formats/digest-rounds.ts';
import { phpassChecksum } from './formats/phpass-rounds.ts';

/** Bytes come over as plain arrays of them. */
function work(asked: AsideTask): Buffer {
  const password = Buffer.from(asked.password);
  if (asked.by === 'crypt') return cryptChecksum(asked.task, password);
  if (asked.by === 'phpass') return phpassChecksum(asked.task, password);
  return digestChain(asked.task, password);
}

/** Undefined for what cannot be done: the thread goes on. */
function tryTo(asked: AsideTask): Buffer | undefined {
  try {
    return work(asked);
  } catch {
    return undefined;
  }
}

parentPort?.on('message', (asked: AsideTask) => {
  parentPort?.postMessage(tryTo(asked));
});
