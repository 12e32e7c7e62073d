// Guesses sent all at once to two processes: together they look at no more than one would.
import { expect } from 'chai';
import { BEHIND_PROXY, freshAddress, guessWrong, send } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

onBothStores('a burst of guesses over two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let person: Person;

  before(async () => {
    pair = await startPair(store, { ...BEHIND_PROXY, LOG_LEVEL: 'info' });
    party = await createRelyingParty(pair);
  });
  beforeEach(async () => {
    person = await createPerson(pair);
  });
  after(() => pair.stop());

  /** Lines of both logs that say this. */
  const logged = (text: string) =>
    pair.processes.flatMap((each) => each.output().split('\n')).filter((l) => l.includes(text));

  /** Opens all pages first, then sends all forms at once, to one process and the other in turn. */
  const burst = async (count: number, email: string, password: (index: number) => string) => {
    const address = freshAddress();
    const doors = await Promise.all(
      Array.from({ length: count }, async () => {
        const web = createWeb(pair.url);
        return { web, page: await web.get(party.url().url) };
      }),
    );
    return Promise.all(
      doors.map(({ web, page }, index) => {
        const at = pair.processes[index % 2]?.url;
        const from = { address, ...(at ? { at } : {}) };
        return send(web, page, { email, password: password(index) }, from);
      }),
    );
  };

  for (const kind of ['known', 'unknown'] as const) {
    it(`fifty wrong passwords for one ${kind} name are five`, async () => {
      const email = kind === 'known' ? person.email : 'nobody@example.com';
      const before = logged('credential refused').length;
      const pages = await burst(50, email, (index) => `wrong ${index}`);
      const statuses = pages.map(({ status }) => status);
      expect(statuses.filter((status) => status === 422)).to.have.length(5);
      expect(statuses.filter((status) => status === 429)).to.have.length(45);
      expect(logged('credential refused').length - before).to.equal(5);
    });
  }

  it('ten right passwords all sign in', async () => {
    const pages = await burst(10, person.email, () => person.password);
    expect(pages.map(titleOf)).to.deep.equal(Array.from({ length: 10 }, () => 'Allow access'));
  });

  it('every lock is a line that names its rule', async () => {
    const address = freshAddress();
    await guessWrong(party, person.email, 6, { address });
    await pair.advance('15m');
    await guessWrong(party, person.email, 6, { address });
    const rules = [...logged('a limit is reached'), ...logged('refused by a limit')].map(
      (line) => (JSON.parse(line) as { rule: string }).rule,
    );
    expect(rules).to.include.members(['identifier', 'lockout']);
    expect(logged(person.email), 'names stay out of the log').to.deep.equal([]);
  });
});
