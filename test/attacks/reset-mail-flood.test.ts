// Hundreds of reset mails asked for in a second, to as many people: a range has thirty in an hour.
import { expect } from 'chai';
import { BEHIND_PROXY, freshAddress, headersOf } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, type Person } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { alertOf, createWeb, findForm } from '../support/web.ts';

const AT_ONCE = 100;
const PER_RANGE = 30;

onBothStores('a flood of reset mails', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
  });
  after(() => pair.stop());

  const asking = async () => {
    const web = createWeb(pair.url);
    const page = await web.get(`${pair.url}/forgot-password`);
    const { action, fields } = findForm(page, '/forgot-password');
    return (email: string, address: string, process = 0) => {
      const url = new URL(action.pathname, pair.processes[process]?.url);
      const headers = headersOf({ address, userAgent: `Agent/${email}` });
      return web.copy().post(url, { ...fields, email }, headers);
    };
  };
  const letters = async () => {
    const { store: database } = pair.core;
    return (await database.all(database.compile(database.sql('outbox')))).length;
  };

  it('is thirty, over two processes, and the page says so of the network alone', async () => {
    const ask = await asking();
    const prefix = freshAddress().replace(/7$/, '');
    const people: Person[] = [];
    while (people.length < 3) people.push(await createPerson(pair));
    const emails = Array.from(
      { length: AT_ONCE },
      (_, i) => people[i % 40]?.email ?? `${i}-${prefix}@example.com`,
    );
    const pages = await Promise.all(
      emails.map((email, i) => ask(email, `${prefix}${i + 1}`, i % 2)),
    );
    expect(pages.filter(({ status }) => status === 200)).to.have.length(PER_RANGE);
    const refused = pages.filter(({ status }) => status === 429);
    expect(refused).to.have.length(AT_ONCE - PER_RANGE);
    expect(Number(refused[0]?.headers.get('retry-after'))).to.be.within(3500, 3600);
    const words = refused.map(alertOf);
    expect(words[0]).to.match(
      /^Too many reset links were requested from your network\. Try again at /,
    );
    expect(new Set(words).size, 'the same for whoever is named').to.equal(1);
    expect(await letters()).to.be.at.most(PER_RANGE);
    const person = await createPerson(pair);
    const before = await letters();
    expect((await ask(person.email, freshAddress())).status).to.equal(200);
    expect((await letters()) - before, 'another range is not refused').to.equal(1);
    await pair.advance('1h');
    expect((await ask(person.email, `${prefix}1`)).status).to.equal(200);
  });

  it('to one mailbox is three, from wherever, and the page tells nobody', async () => {
    const ask = await asking();
    const { email } = await createPerson(pair);
    const before = await letters();
    const statuses = [];
    for (let time = 0; time < 5; time += 1)
      statuses.push((await ask(email, freshAddress())).status);
    expect(statuses).to.deep.equal([200, 200, 200, 200, 200]);
    expect((await letters()) - before).to.equal(3);
  });
});
