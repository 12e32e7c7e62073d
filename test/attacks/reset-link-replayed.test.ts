// A one-time link and its ticket, sent twenty times at once to two processes: one goes on.
import { expect } from 'chai';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, signIn } from '../support/relying-party.ts';
import { askForLink, choose, DONE, useLink, VOID } from '../support/reset-link.ts';
import { onBothStores } from '../support/stores.ts';
import { storedPassword } from '../support/weak-person.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const ROUNDS = 10;
const AT_ONCE = 20;

onBothStores('a reset link replayed on two processes', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store);
  });
  // Each round has the failures and the mails of a network of its own.
  beforeEach(() => pair.advance('61m'));
  after(() => pair.stop());

  /** The form of a page, sent by browsers that all hold what this one holds. */
  const everywhere = (web: Web, page: Page, action: string, more: Fields) => {
    const { action: target, fields } = findForm(page, action);
    const send = async (index: number) => {
      const at = new URL(target.pathname, pair.processes[index % 2]?.url);
      const one = web.copy();
      const answer = await one.post(at, { ...fields, ...more(index) });
      return { answer, web: one, index };
    };
    return Promise.all(Array.from({ length: AT_ONCE }, (_, index) => send(index)));
  };

  const expectOneWinner = (sent: Awaited<ReturnType<typeof everywhere>>, path: string) => {
    const winners = sent.filter(({ answer }) => answer.status === 200);
    const losers = sent.filter(({ answer }) => answer.status === 410);
    expect(winners, 'winners').to.have.length(1);
    expect(losers, 'losers').to.have.length(AT_ONCE - 1);
    for (const { answer } of losers) expect(titleOf(answer)).to.equal(VOID);
    expect(winners[0]?.answer.url.pathname).to.equal(path);
    return winners[0] as (typeof sent)[number];
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    it(`one link is spent once (round ${round})`, async () => {
      const { email } = await createPerson(pair);
      const link = await askForLink(pair, email);
      const web = createWeb(pair.url);
      const page = await web.get(link);
      const sent = await everywhere(web, page, new URL(link).pathname, () => ({}));
      const winner = expectOneWinner(sent, '/reset-password');
      const tickets = sent.filter((each) => hasTicket(each.web));
      expect(tickets, 'tickets').to.have.length(1);
      const form = await winner.web.get(`${pair.url}/reset-password`);
      const done = await choose(winner.web, form, passwordOf(round));
      expect(titleOf(done)).to.equal(DONE);
    });

    it(`one ticket sets one password (round ${round})`, async () => {
      // Without a password to compare with, there is half as much to hash.
      const email = `ticket-${round}@example.com`;
      const { id } = await pair.core.accounts.create({ email });
      const web = createWeb(pair.url);
      const page = await useLink(web, await askForLink(pair, email));
      const sent = await everywhere(web, page, '/reset-password', (index) => ({
        new_password: passwordOf(index),
        confirm_password: passwordOf(index),
      }));
      const winner = expectOneWinner(sent, '/reset-password/done');
      const { generation } = await storedPassword(pair, id);
      expect(generation).to.equal(2);
      const party = await createRelyingParty(pair);
      await signIn(pair, party, { id, email, password: passwordOf(winner.index) });
    });
  }

  it('two links of one account, used at once: one sets the password', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const person = await createPerson(pair);
      const opened = [await open(person.email), await open(person.email)];
      const done = await Promise.all(
        opened.map(({ web, page }, index) => choose(web, page, passwordOf(index))),
      );
      expect(done.map(titleOf).sort()).to.deep.equal([DONE, VOID]);
      expect((await storedPassword(pair, person.id)).generation).to.equal(2);
    }
  });

  const open = async (email: string) => {
    const web = createWeb(pair.url);
    return { web, page: await useLink(web, await askForLink(pair, email)) };
  };
});

type Fields = (index: number) => Record<string, string>;

const hasTicket = (web: Web) => web.cookies().some(({ name }) => name === 'gatehouse_reset');

function passwordOf(index: number): string {
  return `Vemo4-Lurk8-${String.fromCharCode(97 + index).repeat(2)}zi2`;
}
