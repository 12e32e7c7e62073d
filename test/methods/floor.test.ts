// A refused password takes its time, and the same time whatever the reason.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { createHashing } from '../../src/domain/hashing.ts';
import { refused, type Verdict } from '../../src/methods/method.ts';
import { refuseNoEarlier } from '../../src/methods/password/floor.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type Person } from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';
import { createWeakPerson } from '../support/weak-person.ts';
import { createWeb } from '../support/web.ts';

const PROVED = { kind: 'proved', account: {}, spend: [] } as unknown as Verdict;

async function timed(work: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work.catch(() => undefined);
  return performance.now() - begin;
}

describe('the floor of a refusal', () => {
  it('holds back what is refused, a failure too, and nothing else', async () => {
    expect(await timed(refuseNoEarlier(150, async () => refused('wrong')))).to.be.at.least(145);
    const failing = refuseNoEarlier(150, () => Promise.reject(new Error('broken')));
    expect(await timed(failing)).to.be.at.least(145);
    expect(await timed(refuseNoEarlier(5_000, async () => PROVED))).to.be.below(1_000);
  });

  it('counts from the arrival, and adds nothing to what took longer', async () => {
    const slow = async (ms: number) => {
      await sleep(ms);
      return refused('wrong');
    };
    expect(await timed(refuseNoEarlier(300, () => slow(200)))).to.be.within(295, 450);
    expect(await timed(refuseNoEarlier(50, () => slow(200)))).to.be.within(195, 300);
  });
});

describe('a sign-in that is refused', () => {
  const FLOOR = 700;
  let gatehouse: Gatehouse;
  let person: Person;
  before(async () => {
    const database = await SQLITE.createMigrated();
    const file = join(database.dataDir, 'floor.json');
    writeFileSync(file, JSON.stringify({ password: { refusal_floor: FLOOR }, ...WITHOUT_FACTOR }));
    const env = { GATEHOUSE_CONFIG: file };
    gatehouse = await startGatehouse({ database, env, hashing: createHashing });
    person = await createPerson(gatehouse);
  });
  after(() => gatehouse.stop());

  const attempt = async (email: string, password: string) => {
    const party = await createRelyingParty(gatehouse);
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    return timed(web.submit(page, '/prove/password', { email, password }));
  };

  it('takes as long for unknown, wrong, legacy, without a password and suspended', async () => {
    const legacy = await createWeakPerson(gatehouse, 'x', await bcrypt.hash('x', 4));
    const none = await gatehouse.house.accounts.create({ email: 'none@example.com' });
    const { store } = gatehouse.house;
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
    for (const time of times) expect(time).to.be.within(FLOOR, FLOOR + 400);
    expect(await attempt(person.email, person.password)).to.be.below(FLOOR);
  });
});
