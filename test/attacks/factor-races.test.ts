// Everything of a second factor that works once, asked for twenty times at once of two processes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const ROUNDS = 10;
const AT_ONCE = 20;
const CHALLENGE = 'Two-factor authentication';

interface Door {
  readonly web: Web;
  page: Page;
}

onBothStores('races for a second factor over two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;

  before(async () => {
    const database = await store.createMigrated();
    // The limit would leave ten of twenty: here it is the single use that must hold.
    const settings = join(database.dataDir, 'many-codes.json');
    const codes = { failures: 1_000, window: 900, consecutive: 10_000 };
    const known_browsers = { per_account: 20, lifetime: 86_400, codes: 1_000 };
    writeFileSync(settings, JSON.stringify({ limits: { codes, known_browsers } }));
    pair = await startPair(store, { GATEHOUSE_CONFIG: settings }, database);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
  });
  after(() => pair.stop());

  const post = ({ web, page }: Door, action: string, fields: object, index: number) => {
    const form = findForm(page, action);
    const at = new URL(form.action.pathname, pair.processes[index % 2]?.url);
    return web.post(at, { ...form.fields, ...fields });
  };
  const isChallenge = (page: Page) => titleOf(page) === CHALLENGE || page.status >= 400;

  /** As many sign-ins of one person as race, each after its password. */
  const openDoors = async (person: Parameters<typeof afterPassword>[2], count: number) =>
    Promise.all(
      Array.from({ length: count }, async (): Promise<Door> => {
        const web = createWeb(pair.url);
        return { web, page: await afterPassword(web, party, person) };
      }),
    );

  const winners = async (doors: Door[], action: string, code: string): Promise<Door[]> => {
    const pages = await Promise.all(
      doors.map((door, index) => post(door, action, { code }, index)),
    );
    for (const page of pages) expect(page.status, page.text.slice(0, 200)).to.be.below(500);
    return doors.filter((_, index) => !isChallenge(pages[index] as Page));
  };

  it('one code of an authenticator signs in one', async () => {
    const person = await createEnrolledPerson(pair, party);
    let doors = await openDoors(person, AT_ONCE);
    for (let round = 0; round < ROUNDS; round += 1) {
      const won = await winners(doors, '/prove/totp', codeFor(person.secret));
      expect(won, `round ${round}`).to.have.length(1);
      doors = [...doors.filter((door) => !won.includes(door)), ...(await openDoors(person, 1))];
      await pair.advance('30s');
    }
  });

  it('one backup code signs in one', async () => {
    const person = await createEnrolledPerson(pair, party);
    let doors = await openDoors(person, AT_ONCE);
    for (const door of doors) door.page = await door.web.get(`${pathOf(door)}?method=backup-codes`);
    for (const [round, code] of person.backupCodes.entries()) {
      const won = await winners(doors, '/prove/backup-codes', code);
      expect(won, `round ${round}`).to.have.length(1);
      doors = doors.filter((door) => !won.includes(door));
    }
    expect(await pair.core.recoveryCodes.left(person.id)).to.equal(0);
  });

  const pathOf = ({ page }: Door) => page.url.href.replace(/\/prove\/.*|\?.*/, '');

  it('of many enrolments side by side one counts', async () => {
    for (let round = 0; round < ROUNDS / 2; round += 1) {
      const person = await createPerson(pair);
      const doors = await Promise.all(
        (await openDoors(person, 4)).map(async ({ web, page }) => {
          const secret = secretOn(page);
          return { web, page: await web.next(page), secret };
        }),
      );
      const pages = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) => {
          const door = doors[index % 4] as (typeof doors)[number];
          // Each of the four sign-ins at both processes.
          return post(door, '/enrol/totp', { code: codeFor(door.secret) }, index >> 2);
        }),
      );
      for (const page of pages) expect(page.status).to.be.below(500);
      const { store: database } = pair.core;
      const rows = database.sql('authenticators').where({ account_id: person.id });
      expect(await database.all(database.compile(rows)), `round ${round}`).to.have.length(1);
      expect((await pair.core.accounts.get(person.id)).generation).to.equal(2);
      const after = await Promise.all(doors.map((door) => door.web.get(pathOf(door))));
      const saving = after.filter((page) => titleOf(page) === 'Save your backup codes');
      expect(saving, after.map(titleOf).join()).to.have.length(1);
    }
  });

  it('ten right sign-ins of one person at once all work', async () => {
    const person = await createEnrolledPerson(pair, party);
    const doors = await openDoors(person, 10);
    for (const door of doors) door.page = await door.web.get(`${pathOf(door)}?method=backup-codes`);
    const pages = await Promise.all(
      doors.map((door, index) => {
        const code = person.backupCodes[index] ?? '';
        return post(door, '/prove/backup-codes', { code }, index);
      }),
    );
    expect(pages.filter(isChallenge)).to.deep.equal([]);
  });
});
