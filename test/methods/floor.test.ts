// A refused password takes its time, and the same time whatever the reason.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { rejected, type Verdict } from '../../src/factors/factor.ts';
import { createFactors, type FactorNeeds } from '../../src/factors/index.ts';
import {
  type Stopwatch,
  withMinimumDuration,
} from '../../src/factors/password/minimum-duration.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type Person } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { createWeakPerson } from '../support/weak-person.ts';
import { createWeb } from '../support/web.ts';

const PROVED = { kind: 'proved', account: {}, spend: [] } as unknown as Verdict;
const WRONG = rejected('wrong');

/** Time that passes only when work says that it took some, and how long was slept. */
function createTime() {
  let passed = 0;
  const slept: number[] = [];
  const time: Stopwatch = {
    elapsed: () => passed,
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
    },
  };
  const work = (takes: number, verdict: Verdict) => async () => {
    passed += takes;
    return verdict;
  };
  return { time, slept, work };
}

describe('the floor of a refusal', () => {
  it('holds back what is refused, a failure too, and nothing else', async () => {
    const { time, slept } = createTime();
    expect(await withMinimumDuration(150, async () => WRONG, time)).to.equal(WRONG);
    const failing = withMinimumDuration(150, () => Promise.reject(new Error('broken')), time);
    expect(await failing.catch(String)).to.equal('Error: broken');
    expect(slept).to.deep.equal([150, 150]);
    expect(await withMinimumDuration(150, async () => PROVED, time)).to.equal(PROVED);
    expect(slept).to.have.length(2);
  });

  it('counts from the arrival, and adds nothing to what took longer', async () => {
    const { time, slept, work } = createTime();
    await withMinimumDuration(300, work(200, WRONG), time);
    await withMinimumDuration(50, work(200, WRONG), time);
    expect(slept).to.deep.equal([100, 0]);
  });

  it('is real time', async () => {
    const before = performance.now();
    await withMinimumDuration(150, async () => WRONG);
    expect(performance.now() - before).to.be.at.least(145);
    // Held back, this would outlast the test.
    expect(await withMinimumDuration(3_600_000, async () => PROVED)).to.equal(PROVED);
  });
});

describe('a sign-in that is refused', () => {
  const FLOOR = 700;
  let gatehouse: Gatehouse;
  let person: Person;
  const { time, slept } = createTime();
  before(async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'floor.json');
    writeFileSync(file, JSON.stringify({ password: { refusal_min_ms: FLOOR }, ...WITHOUT_FACTOR }));
    const env = { GATEHOUSE_CONFIG: file };
    const factors = (needs: FactorNeeds) => createFactors({ ...needs, time });
    gatehouse = await startGatehouse({ database, env, factors });
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  /** How long each of these was held back. */
  const attempt = async (email: string, password: string): Promise<number[]> => {
    const party = await createRelyingParty(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    slept.length = 0;
    await web.submit(page, '/prove/password', { email, password });
    return [...slept];
  };

  it('takes as long for unknown, wrong, legacy, without a password and suspended', async () => {
    const legacy = await createWeakPerson(gatehouse, 'x', await bcrypt.hash('x', 4));
    const none = await gatehouse.core.accounts.create({ email: 'none@example.com' });
    const { store } = gatehouse.core;
    const suspended = await createPerson(gatehouse);
    const suspend = store.sql('accounts').where({ id: suspended.id });
    await store.write(store.compile(suspend.update({ status: 'suspended' }), 1));
    const times = [
      await attempt('nobody@example.com', 'wrong'),
      await attempt(person.email, 'wrong'),
      await attempt(legacy.email, 'wrong'),
      await attempt(none.email, 'wrong'),
      await attempt(suspended.email, suspended.password),
    ];
    expect(times).to.deep.equal(Array(5).fill([FLOOR]));
    expect(await attempt(person.email, person.password)).to.deep.equal([]);
  });
});
