// Who hashes next: never more at once than allowed, never more waiting than bearable, all in turn.
import { expect } from 'chai';
import fc from 'fast-check';
import { createQueue, type Turn } from '../../../src/domain/passwords/hash-queue.ts';
import { type GatehouseError, isGatehouseError } from '../../../src/lib/errors.ts';

const SOMEBODY: Turn = { range: '192.0.2.0/24', isKnown: false };

interface Job {
  readonly number: number;
  finish(): void;
  fail(): void;
}

/** A queue whose work ends when the test says so. */
function watchedQueue(atOnce: number, inAll: number, perRange = inAll) {
  const queue = createQueue({ atOnce, inAll, perRange });
  const running: Job[] = [];
  const started: number[] = [];
  const settled: Array<{ number: number; how: string }> = [];
  const work = (number: number) => () =>
    new Promise<void>((resolve, reject) => {
      started.push(number);
      running.push({ number, finish: resolve, fail: () => reject(new Error('failed')) });
    });
  return {
    running,
    started,
    settled,
    add: (number: number, turn: Turn = SOMEBODY) => {
      queue(work(number), turn).then(
        () => settled.push({ number, how: 'done' }),
        (error) => settled.push({ number, how: isGatehouseError(error) ? error.code : 'failed' }),
      );
    },
    queue,
  };
}

/** Until everything that can go on by itself has gone on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('hash queue', () => {
  it('keeps its bounds whatever comes and goes, starts in order and answers everybody', async () => {
    const actions = fc.array(fc.constantFrom('add', 'add', 'finish', 'fail'), { maxLength: 60 });
    const bound = fc.integer({ min: 1, max: 4 });
    const waiting = fc.integer({ min: 0, max: 4 });
    await fc.assert(
      fc.asyncProperty(bound, waiting, actions, async (atOnce, waitingAtMost, all) => {
        const watched = watchedQueue(atOnce, waitingAtMost);
        let added = 0;
        for (const action of all) {
          if (action === 'add') watched.add(added++);
          else watched.running.shift()?.[action as 'finish' | 'fail']();
          await settle();
          expect(watched.running.length).to.be.at.most(atOnce);
          const inside = added - watched.settled.length;
          expect(inside).to.be.at.most(atOnce + waitingAtMost);
          // Nobody waits while there is room.
          expect(watched.running.length).to.equal(Math.min(inside, atOnce));
        }
        while (watched.running.length > 0) {
          watched.running.shift()?.finish();
          await settle();
        }
        expect(watched.settled).to.have.length(added);
        expect(watched.started).to.deep.equal([...watched.started].sort((a, b) => a - b));
        const busy = watched.settled.filter(({ how }) => how === 'busy').length;
        expect(busy + watched.started.length).to.equal(added);
      }),
      { numRuns: 60 },
    );
  });

  it('lets nobody slip in between two', async () => {
    const watched = watchedQueue(1, 5);
    watched.add(1);
    watched.add(2);
    await settle();
    watched.running.shift()?.finish();
    // Asked for in the very turn in which the place changes hands.
    queueMicrotask(() => watched.add(3));
    await settle();
    expect(watched.started).to.deep.equal([1, 2]);
    expect(watched.running.length).to.equal(1);
    watched.running.shift()?.finish();
    await settle();
    watched.running.shift()?.finish();
    await settle();
    expect(watched.settled.map(({ how }) => how)).to.deep.equal(['done', 'done', 'done']);
  });

  it('refuses at once, and says when to come again', async () => {
    const { queue, add, running } = watchedQueue(1, 1);
    add(1);
    add(2);
    const error: GatehouseError = await queue(async () => 'never', SOMEBODY).then(
      () => expect.fail('it was not refused'),
      (reason) => reason,
    );
    expect(error).to.include({ code: 'busy', status: 503 });
    expect(error.retryAfter).to.be.within(1, 60);
    while (running.length > 0) {
      running.shift()?.finish();
      await settle();
    }
    expect(await queue(async () => 'room again', SOMEBODY)).to.equal('room again');
  });

  it('gives the place back when the work throws at once', async () => {
    const { queue } = watchedQueue(1, 0);
    for (let time = 0; time < 3; time += 1) {
      const outcome = await queue(() => Promise.reject(new Error('failed')), SOMEBODY).catch(
        String,
      );
      expect(outcome).to.equal('Error: failed');
    }
    expect(await queue(async () => 'room', SOMEBODY)).to.equal('room');
  });

  const from = (host: number, isKnown = false): Turn => ({ range: `192.0.${host}.0/24`, isKnown });
  /** Lets whatever runs and waits come to its end. */
  const finishAll = async ({ running }: ReturnType<typeof watchedQueue>) => {
    while (running.length > 0) {
      running.shift()?.finish();
      await settle();
    }
  };

  it('gives slots to ranges in turn: a flood from one makes nobody else wait', async () => {
    const watched = watchedQueue(1, 50);
    for (let number = 0; number < 20; number += 1) watched.add(number, from(1));
    watched.add(100, from(2));
    watched.add(101, from(2));
    watched.add(200, from(3));
    await settle();
    await finishAll(watched);
    expect(watched.started.slice(0, 8)).to.deep.equal([0, 1, 100, 200, 2, 101, 3, 4]);
    expect(watched.started).to.have.length(23);
  });

  it('seven hundred of one range leave the next one of another the next slot', async () => {
    const watched = watchedQueue(2, 200, 100);
    for (let number = 0; number < 700; number += 1) watched.add(number, from(1));
    for (let number = 700; number < 720; number += 1) watched.add(number, from(number % 200));
    await settle();
    const dropped = watched.settled.map(({ number }) => number);
    expect(dropped.filter((number) => number >= 700)).to.deep.equal([]);
    expect(dropped).to.have.length(700 - 2 - 100);
    await finishAll(watched);
    expect(watched.started.indexOf(719)).to.be.below(2 + 2 * 20);
  });

  it('serves known browsers first, and not them alone', async () => {
    const watched = watchedQueue(1, 100);
    for (let number = 0; number < 20; number += 1) watched.add(number, from(number));
    watched.add(100, from(1, true));
    await settle();
    watched.running.shift()?.finish();
    await settle();
    expect(watched.started, 'the next to run').to.deep.equal([0, 100]);
    for (let number = 101; number < 120; number += 1) watched.add(number, from(1, true));
    await finishAll(watched);
    const firstOfOthers = watched.started.slice(1).findIndex((number) => number < 100);
    expect(firstOfOthers).to.equal(8);
  });

  it('drops the newest of the longest range when it is full, and never a newcomer for it', async () => {
    const watched = watchedQueue(1, 10);
    for (let number = 0; number <= 12; number += 1) watched.add(number, from(1));
    await settle();
    const refused = () => watched.settled.map(({ number }) => number);
    expect(refused(), 'of the flood itself').to.deep.equal([11, 12]);
    watched.add(100, from(2));
    watched.add(101, from(3, true));
    await settle();
    expect(refused()).to.deep.equal([11, 12, 10, 9]);
    expect(watched.settled.every(({ how }) => how === 'busy')).to.equal(true);
    await finishAll(watched);
    expect(watched.started).to.include.members([100, 101]);
  });

  it('drops known browsers last, and theirs, too, where they are the flood', async () => {
    const watched = watchedQueue(1, 4);
    watched.add(0, from(1));
    for (const number of [1, 2]) watched.add(number, from(1));
    for (const number of [3, 4, 5]) watched.add(number, from(1, true));
    await settle();
    expect(watched.settled.map(({ number }) => number)).to.deep.equal([2]);
    for (const number of [6, 7]) watched.add(number, from(2, true));
    await settle();
    expect(watched.settled.map(({ number }) => number)).to.deep.equal([2, 1, 5]);
    await finishAll(watched);
  });

  it('lets so many of one range wait, however much room there is', async () => {
    const watched = watchedQueue(1, 100, 3);
    for (let number = 0; number < 6; number += 1) watched.add(number, from(1));
    watched.add(100, from(2));
    await settle();
    expect(watched.settled.map(({ number }) => number)).to.deep.equal([4, 5]);
    await finishAll(watched);
    expect(watched.started).to.deep.equal([0, 1, 100, 2, 3]);
  });
});
