// Twenty sign-outs over JSON at once are one: whoever is told of it is told once.
import { expect } from 'chai';
import { createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

const AT_ONCE = 20;
const ROUNDS = 3;

onBothStores('sign-outs over JSON', (store) => {
  let pair: Pair;

  before(async () => {
    pair = await startPair(store);
  });
  after(() => pair.stop());

  const at = (index: number) => ({ at: pair.processes[index % 2]?.url ?? '' });

  it('of one session at once end it once, on either node', async () => {
    const told = { backchannel_logout_uri: 'https://app.example.com/signed-out' };
    const app = await createApplication(pair, told);
    const { email, password, id } = await createPerson(pair);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const { refreshToken } = (await app.post('login', { email, password })).body;
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          app.post('logout', { refreshToken }, at(index)),
        ),
      );
      expect(answers.map(({ status }) => status)).to.deep.equal(Array(AT_ONCE).fill(204));
      const ended = await auditRows(pair, { kind: 'session.ended' });
      expect(ended.filter(({ accountId }) => accountId === id)).to.have.length(round);
      const { sql, compile, all } = pair.core.store;
      const letters = await all(compile(sql('outbox').where({ recipient: app.id })));
      expect(letters).to.have.length(round);
      expect((await app.post('refresh', { refreshToken })).status).to.equal(401);
    }
  });
});
