// The store fails while a secret is looked at: nobody is told that a right one is wrong.
import { expect } from 'chai';
import { type Application, createApplication } from '../support/application.ts';
import { auditRows } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onBothStores('the store fails in a verifier', (store) => {
  let gatehouse: Gatehouse;
  let app: Application;
  let party: RelyingParty;
  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    app = await createApplication(gatehouse);
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  const change = (sql: string) => {
    const { store: own } = gatehouse.core;
    return own.run(own.compile(own.sql.raw(sql)));
  };
  const without = async (table: string, work: () => Promise<void>) => {
    await change(`alter table ${table} rename to away`);
    await work().finally(() => change(`alter table away rename to ${table}`));
  };

  it('a right password is 503 with Retry-After, over JSON and on the page, and counts nothing', async () => {
    const { email, password } = await createPerson(gatehouse);
    const login = (typed: string) => app.post('login', { email, password: typed });
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    await without('accounts', async () => {
      for (let tries = 0; tries < 6; tries += 1) {
        const { status, body } = await login(password);
        expect([status, body.error]).to.deep.equal([503, 'store_unavailable']);
      }
      const answer = await web.submit(page, '/prove/password', { email, password });
      expect(answer.status).to.equal(503);
      expect(answer.headers.get('retry-after')).to.match(/^\d+$/);
    });
    const { status, body } = await login('wrong');
    expect([status, body.attempts_remaining]).to.deep.equal([401, 4]);
  });

  it('a right code is 503, and counts nothing', async () => {
    const person = await createEnrolledPerson(gatehouse, party);
    const { email, password, secret } = person;
    const { session_id } = (await app.post('login', { email, password })).body;
    const prove = () => app.post('mfa', { session_id, totp_code: codeFor(secret) });
    await without('authenticators', async () => {
      expect((await prove()).status).to.equal(503);
    });
    const rows = await auditRows(gatehouse);
    expect(rows.filter(({ reason }) => reason === 'verifier failed')).to.deep.equal([]);
    expect((await prove()).status).to.equal(200);
  });
});
