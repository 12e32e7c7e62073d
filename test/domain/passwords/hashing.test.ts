// argon2id: what it makes and takes, and what a flood of sign-ins finds in front of it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../../src/config/load.ts';
import { createHashing } from '../../../src/domain/passwords/hashing.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../../support/gatehouse.ts';
import { createPerson, createRelyingParty, signIn } from '../../support/relying-party.ts';
import { SQLITE, type TestDatabase } from '../../support/stores.ts';
import { createWeb, type Page, titleOf } from '../../support/web.ts';

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
