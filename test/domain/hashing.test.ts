// The queue in front of argon2id: never more at once than allowed, never more waiting than bearable.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/load.ts';
import { createHashing, createQueue } from '../../src/domain/hashing.ts';
import { type GatehouseError, isGatehouseError } from '../../src/lib/errors.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../support/stores.ts';
import { createWeb, type Page, titleOf } from '../support/web.ts';

interface Job {
  readonly number: number;
  finish(): void;
  fail(): void;
}

/** A queue whose work ends when the test says so. */
function watchedQueue(atOnce: number, waitingAtMost: number) {
  const queue = createQueue(atOnce, waitingAtMost);
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
    add: (number: number) => {
      queue(work(number)).then(
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
    const error: GatehouseError = await queue(async () => 'never').then(
      () => expect.fail('it was not refused'),
      (reason) => reason,
    );
    expect(error).to.include({ code: 'busy', status: 503 });
    expect(error.retryAfter).to.be.within(1, 60);
    while (running.length > 0) {
      running.shift()?.finish();
      await settle();
    }
    expect(await queue(async () => 'room again')).to.equal('room again');
  });

  it('gives the place back when the work throws at once', async () => {
    const { queue } = watchedQueue(1, 0);
    for (let time = 0; time < 3; time += 1) {
      const outcome = await queue(() => Promise.reject(new Error('failed'))).catch(String);
      expect(outcome).to.equal('Error: failed');
    }
    expect(await queue(async () => 'room')).to.equal('room');
  });
});

describe('hashing', () => {
  // The costs of tests are none.
  const hashing = createHashing(loadConfig({ NODE_ENV: 'development' }));

  it('makes argon2id hashes with salts of their own', async () => {
    const [one, two] = await Promise.all([hashing.hash('Tavu7'), hashing.hash('Tavu7')]);
    expect(one).to.match(/^\$argon2id\$v=19\$m=19456,(t=2,p=1|p=1,t=2)\$/);
    expect(one).not.to.equal(two);
    expect(await hashing.verify(one ?? '', 'Tavu7')).to.equal('right');
    expect(await hashing.verify(one ?? '', 'tavu7')).to.equal('wrong');
  });

  it('takes every writing of one text as one password, and cuts none', async () => {
    const long = `${'x'.repeat(500)}ö\0🎉`;
    const hash = await hashing.hash(long);
    expect(await hashing.verify(hash, long.normalize('NFD'))).to.equal('right');
    for (const other of [long.slice(0, -1), `${long}x`, long.split('\0')[0] ?? '']) {
      expect(await hashing.verify(hash, other)).to.equal('wrong');
    }
  });

  it('says no, and does not throw, for what is no hash', async () => {
    const good = await hashing.hash('x');
    const broken = ['', 'x', good.slice(0, -30), '$argon2id$', '$2b$10$abcdefghijklmnopqrstuv'];
    for (const hash of [...broken, good.replace('m=19456', 'm=4294967296')]) {
      expect(await hashing.verify(hash, 'x'), hash).to.equal('wrong');
    }
  });
});

describe('a flood of sign-ins', () => {
  let database: TestDatabase;
  let gatehouse: Gatehouse;
  before(async () => {
    database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'slow.json');
    const slow = { memory: 131_072, passes: 4, at_once: 1, queue: 2 };
    writeFileSync(file, JSON.stringify({ hashing: slow, ...WITHOUT_FACTOR }));
    const env = { GATEHOUSE_CONFIG: file };
    gatehouse = await startGatehouse({ database, env, hashing: createHashing });
  });
  after(() => gatehouse.stop());

  it('is answered 503 with Retry-After on the page, while everything else goes on', async () => {
    const party = await createRelyingParty(gatehouse);
    const person = await createPerson(gatehouse);
    const { tokens } = await signIn(gatehouse, party, person);
    const doors = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const web = createWeb(gatehouse.url);
        return { web, page: await web.get(party.url().url) };
      }),
    );
    const open = new Set(doors);
    const fields = { email: person.email, password: 'wrong' };
    const answers = doors.map(async (door): Promise<Page> => {
      const answer = await door.web.submit(door.page, '/prove/password', fields);
      open.delete(door);
      return answer;
    });
    // Whoever is refused is refused at once, with the first hash still at work.
    const first = await Promise.race(answers);
    expect(first.status).to.equal(503);
    expect(open.size).to.be.greaterThan(0);
    const [health, userinfo, discovery] = await Promise.all([
      fetch(`${gatehouse.url}/health/ready`),
      party.userinfo(tokens.access_token),
      fetch(`${gatehouse.url}/.well-known/openid-configuration`),
    ]);
    expect([health.status, userinfo.status, discovery.status]).to.deep.equal([200, 200, 200]);
    expect(open.size, 'hashes still at work').to.be.greaterThan(0);

    const all = await Promise.all(answers);
    const busy = all.filter(({ status }) => status === 503);
    // One at work and two waiting; the others may have come when a place was free again.
    expect(all.length - busy.length).to.be.at.least(3);
    expect(busy.length).to.be.at.least(1);
    for (const page of busy) {
      expect(page.headers.get('retry-after')).to.match(/^[1-9]\d?$/);
      expect(page.headers.get('content-type')).to.include('text/html');
      expect(page.headers.get('cache-control')).to.equal('no-store');
      expect(titleOf(page)).to.equal('Something went wrong');
      expect(page.text).to.include('Try again in a few seconds');
    }
    for (const page of all.filter(({ status }) => status !== 503))
      expect(page.status).to.equal(422);
  });

  it('is over when it is over: the right password signs in', async () => {
    const party = await createRelyingParty(gatehouse);
    await signIn(gatehouse, party, await createPerson(gatehouse));
  });
});
