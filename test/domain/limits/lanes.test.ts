// Whose turn it is to count an attempt: in order, one at a time, refused at once where it would not come.
import { expect } from 'chai';
import { createLanes } from '../../../src/domain/limits/lanes.ts';
import { type GatehouseError, isGatehouseError } from '../../../src/lib/errors.ts';

const LONG = 1e6;

/** Lanes whose clock and whose work only the test moves. */
function watchedLanes() {
  let time = 0;
  const lanes = createLanes<string>(() => time);
  const working: Array<{ name: string; finish: () => void }> = [];
  const done: string[] = [];
  const enter = (lane: string, name: string, answer?: (seen: string) => string | undefined) => {
    const visit = { until: time + LONG, answer: answer ?? (() => undefined) };
    const work = () =>
      new Promise<string>((resolve) => {
        working.push({ name, finish: () => resolve(name) });
      });
    lanes.inTurn(lane, visit, work).then(
      (what) => done.push(what),
      (error: GatehouseError) => done.push(`${name} ${error.code}`),
    );
  };
  const names = () => working.map(({ name }) => name);
  return {
    lanes,
    enter,
    names,
    done,
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
    finish: async () => {
      working.shift()?.finish();
      await settle();
    },
  };
}

/** Until everything that can go on by itself has gone on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('lanes of attempts', () => {
  it('one works at a time, in the order of arrival; other lanes do not wait', async () => {
    const { enter, names, finish, done } = watchedLanes();
    for (const name of ['a', 'b', 'c']) enter('one', name);
    enter('other', 'd');
    expect(names()).to.deep.equal(['a', 'd']);
    await finish();
    expect(names()).to.deep.equal(['d', 'b']);
    await finish();
    await finish();
    await finish();
    expect(done).to.deep.equal(['a', 'd', 'b', 'c']);
  });

  it('whose turn would not come in time is refused at once, and nobody else', async () => {
    const { enter, names, finish, pass, done } = watchedLanes();
    for (let each = 0; each < 5; each += 1) enter('one', String(each));
    // Turns that take a quarter of what anybody waits for.
    for (let each = 0; each < 3; each += 1) {
      pass(LONG / 4);
      await finish();
    }
    expect(names()).to.deep.equal(['3']);
    for (let each = 5; each < 20; each += 1) enter('one', String(each));
    await settle();
    const refused = done.filter((what) => what.endsWith('busy'));
    expect(refused).to.deep.equal([13, 14, 15, 16, 17, 18, 19].map((each) => `${each} busy`));
    while (names().length > 0) await finish();
    const served = done.filter((what) => !what.endsWith('busy')).map(Number);
    expect(served).to.deep.equal(served.toSorted((a, b) => a - b));
    expect(done).to.have.length(20);
  });

  it('a lane in which nobody works knows nothing of how slow it was', async () => {
    const { enter, names, finish, pass } = watchedLanes();
    enter('one', 'a');
    enter('one', 'b');
    pass(10 * LONG);
    await finish();
    await finish();
    for (const name of ['c', 'd', 'e']) enter('one', name);
    await finish();
    expect(names()).to.deep.equal(['d']);
  });

  it('what fails gives its turn to the next', async () => {
    const { lanes, enter, names } = watchedLanes();
    const visit = { until: LONG, answer: () => undefined };
    const failed = lanes.inTurn('one', visit, () => Promise.reject(new Error('no database')));
    enter('one', 'b');
    const error = await failed.then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error?.message).to.equal('no database');
    await settle();
    expect(names()).to.deep.equal(['b']);
  });

  it('those who wait take the answer that fits them, and the others keep their turn', async () => {
    const { lanes, enter, finish, done } = watchedLanes();
    enter('one', 'a');
    enter('one', 'b', (seen) => `b ${seen}`);
    enter('one', 'c');
    enter('one', 'd', (seen) => `d ${seen}`);
    lanes.share('one', 'closed');
    await settle();
    expect(done).to.deep.equal(['b closed', 'd closed']);
    await finish();
    await finish();
    expect(done.slice(2)).to.deep.equal(['a', 'c']);
  });

  it('whoever has the turn is woken by what is settled, also just before it sleeps', async () => {
    const { lanes, enter } = watchedLanes();
    enter('one', 'a');
    const woken = lanes.nextSettled('one', LONG);
    lanes.settle(['other', 'one']);
    await woken;
    lanes.settle(['one']);
    await lanes.nextSettled('one', LONG);
  });

  it('whose turn does not come is told so when the time is up', async () => {
    const lanes = createLanes<string>();
    void lanes.inTurn('one', { until: LONG, answer: () => undefined }, () => new Promise(() => {}));
    const visit = { until: performance.now() + 30, answer: () => undefined };
    const error = await lanes
      .inTurn('one', visit, () => Promise.resolve())
      .then(
        () => undefined,
        (reason: unknown) => reason,
      );
    expect(isGatehouseError(error, 'busy')).to.equal(true);
  });
});
