// A process that is killed while it looks at passwords: what was in flight is no failure of anybody.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { BEHIND_PROXY, freshAddress, guess, guessWrong, send } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const LIMIT = 5;

onBothStores('kill -9 while passwords are looked at', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
  });
  after(() => pair.stop());

  const inFlight = async () => {
    const { sql, compile, all } = pair.core.store;
    const rows = await all(compile(sql('limit_counters').where({ rule: 'identifier' })));
    return Math.max(0, ...rows.map(({ pending }) => Number(pending)));
  };

  it('its owner signs in from that very address at another process, seconds later', async () => {
    const [party, person] = [await createRelyingParty(pair), await createPerson(pair)];
    const address = freshAddress();
    const [, killed] = pair.processes;
    await guessWrong(party, person.email, LIMIT - 1, { address });
    const doors = await Promise.all(
      Array.from({ length: 4 * LIMIT }, async () => {
        const web = createWeb(pair.url);
        return { web, page: await web.get(party.url().url) };
      }),
    );
    const guesses = doors.map(({ web, page }, index) =>
      send(
        web,
        page,
        { email: person.email, password: `wrong ${index}` },
        {
          address,
          at: killed.url,
        },
      ).catch(() => undefined),
    );
    while ((await inFlight()) < 1) await sleep(1);
    await killed.kill('SIGKILL');
    await Promise.all(guesses);
    expect(await inFlight(), 'left in flight').to.be.greaterThan(0);
    await pair.advance('16s');
    const page = await guess(party, person.email, person.password, { address });
    expect(titleOf(page)).to.equal('Allow access');
  });
});
