// Threads for hashes that are loops: the main one goes on meanwhile, and a lost thread is no wrong guess.
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { aside } from '../../../src/domain/passwords/aside.ts';
import { formatOf, matchHash } from '../../../src/domain/passwords/hash-formats.ts';
import { GatehouseError, isGatehouseError } from '../../../src/lib/errors.ts';
import { MADE_ELSEWHERE } from '../../support/password-hashes.ts';

const password = Buffer.from('x');
const DIGEST = { algorithm: 'sha256', salt: Buffer.from('pinch'), saltFirst: true };
const digest = (iterations: number) =>
  aside({ by: 'digest', task: { ...DIGEST, iterations }, password });

let times = 0;
/** Of which none is idle yet: other tests of this process leave some. */
function freshThreads(): Promise<typeof import('../../../src/domain/passwords/aside.ts')> {
  times += 1;
  return import(`../../../src/domain/passwords/aside.ts?alone=${times}`);
}

describe('threads for hashes', () => {
  it('leave the main one free, and are used again', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => void started.push(worker);
    process.on('worker', note);
    try {
      let isDone = false;
      let turns = 0;
      const made = digest(50_000).finally(() => {
        isDone = true;
      });
      while (!isDone) {
        turns += 1;
        await turn();
      }
      expect((await made).length).to.equal(32);
      expect(turns).to.be.greaterThan(10);
      await digest(1);
      await digest(1);
      expect(started.length).to.be.at.most(1);
    } finally {
      process.off('worker', note);
    }
  });

  it('that end over their work leave it to another one', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => {
      // The first one alone is lost.
      if (started.push(worker) === 1) void worker.terminate();
    };
    process.on('worker', note);
    try {
      const { aside: alone } = await freshThreads();
      const made = await alone({ by: 'digest', task: { ...DIGEST, iterations: 1 }, password });
      expect(made).to.deep.equal(await digest(1));
      expect(started).to.have.length(2);
    } finally {
      process.off('worker', note);
    }
  });

  it('that are lost again and again make the house busy: the guess was not looked at', async () => {
    const end = (worker: Worker) => void worker.terminate();
    process.on('worker', end);
    try {
      const { aside: alone } = await freshThreads();
      const made = alone({ by: 'digest', task: { ...DIGEST, iterations: 1 }, password });
      const error = await made.catch((thrown: unknown) => thrown);
      expect(isGatehouseError(error, 'busy')).to.equal(true);
    } finally {
      process.off('worker', end);
    }
  });

  it('outlive a task that cannot be done', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => void started.push(worker);
    process.on('worker', note);
    try {
      const { aside: alone } = await freshThreads();
      const task = { ...DIGEST, algorithm: 'none', iterations: 1 };
      const error = await alone({ by: 'digest', task, password }).catch(
        (thrown: unknown) => thrown,
      );
      expect(error).to.be.instanceOf(Error);
      expect(isGatehouseError(error)).to.equal(false);
      await alone({ by: 'digest', task: { ...DIGEST, iterations: 1 }, password });
      expect(started).to.have.length(1);
    } finally {
      process.off('worker', note);
    }
  });

  it('tell a guess that was not looked at from a wrong one', async () => {
    const { hash } = MADE_ELSEWHERE.find(({ form }) => form.startsWith('md5crypt')) ?? { hash: '' };
    const format = formatOf(hash);
    const verify = format?.verify;
    const answer = async (error: Error) => {
      Object.assign(format ?? {}, { verify: () => Promise.reject(error) });
      return matchHash(hash, 'x').catch((thrown: unknown) => thrown);
    };
    try {
      const busy = new GatehouseError('busy');
      expect(await answer(busy)).to.equal(busy);
      expect(await answer(new Error('malformed'))).to.equal(undefined);
    } finally {
      Object.assign(format ?? {}, { verify });
    }
  });
});
