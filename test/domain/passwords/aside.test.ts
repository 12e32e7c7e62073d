// Threads for hashes that are loops: the main one goes on meanwhile, and a lost thread is a refusal.
import { setImmediate as turn } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { aside } from '../../../src/domain/passwords/aside.ts';
import { matchHash } from '../../../src/domain/passwords/legacy.ts';
import { MADE_ELSEWHERE } from '../../support/password-hashes.ts';

const DIGEST = { algorithm: 'sha256', salt: Buffer.from('pinch'), saltFirst: true };
const digest = (iterations: number) =>
  aside({ by: 'digest', task: { ...DIGEST, iterations }, password: Buffer.from('x') });

/** Other tests of this process leave one for each hash at once. */
const MORE_THAN_IDLE = 20;

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

  it('that end over their work refuse it, and the next one takes their place', async () => {
    const started: Worker[] = [];
    const note = (worker: Worker) => void started.push(worker);
    process.on('worker', note);
    // More at once than threads are idle: one is new, and ends before its work does.
    const all: Array<Promise<Buffer>> = [];
    while (started.length === 0 && all.length < MORE_THAN_IDLE) {
      all.push(digest(50_000));
      await turn();
    }
    await started[0]?.terminate();
    process.off('worker', note);
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.map(({ status }) => status)).to.deep.equal([
      ...all.slice(1).map(() => 'fulfilled'),
      'rejected',
    ]);
    const { hash, password } = MADE_ELSEWHERE.find(({ form }) => form.startsWith('md5crypt')) ?? {
      hash: '',
      password: '',
    };
    expect(await matchHash(hash, password)).not.to.equal(undefined);
  });
});
