// The server dies by kill -9 before every single request of a sign-in, and the sign-in goes on.
import { expect } from 'chai';
import { type Core, openCore } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { environment, freePort } from '../support/gatehouse.ts';
import { type GatehouseProcess, startProcess } from '../support/processes.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signInAt,
} from '../support/relying-party.ts';
import { onBothStores, type TestDatabase } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

onBothStores('kill -9 between any two requests', (store) => {
  let database: TestDatabase;
  let port: number;
  let server: GatehouseProcess;
  let core: Core;
  let party: RelyingParty;
  let kills = 0;

  before(async () => {
    database = await store.create();
    port = await freePort();
    core = await openCore(loadConfig(environment(database, port)));
    server = await startProcess({ database, port });
    party = await createRelyingParty({ core, url: server.url });
  });
  after(async () => {
    await server.stop();
    await core.close();
    database.remove();
  });

  const killAndRestart = async () => {
    await server.kill('SIGKILL');
    server = await startProcess({ database, port });
    kills += 1;
  };

  it('the sign-in goes on to tokens; keys, session, refresh token and client stand', async function () {
    this.timeout(120_000);
    const keys = async () => (await fetch(`${server.url}/jwks`)).json();
    const before = await keys();
    const person = await createPerson({ core });
    const web = createWeb(server.url, [], killAndRestart);
    const request = party.url();
    const page = await web.get(request.url);
    const last = await signInAt(web, page, person);
    const requestsSoFar = kills;
    expect(requestsSoFar, 'requests of a sign-in').to.be.greaterThan(5);
    await killAndRestart();
    const redeemed = await party.redeem(request, codeOf(last));
    expect(redeemed.status).to.equal(200);
    await killAndRestart();
    const refreshed = await party.refresh(String(redeemed.body.refresh_token));
    expect(refreshed.status).to.equal(200);
    await killAndRestart();
    expect((await party.userinfo(String(refreshed.body.access_token))).status).to.equal(200);
    codeOf(await web.get(party.url({ prompt: 'none' }).url));
    expect(await keys()).to.deep.equal(before);
  });
});
