// Authorization requests that nobody ever finishes: small ones, and so many from one range.

import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { now } from '../../src/lib/clock.ts';
import { sweep } from '../../src/store/sweep.ts';
import { WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const ALLOWED = 8;
const PUBLIC = { token_endpoint_auth_method: 'none' };
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const KB = 1024;

onBothStores('requests that nobody finishes', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let open: RelyingParty;

  before(async () => {
    const database = await store.createMigrated();
    const file = join(database.dataDir, 'config.json');
    const limits = { open_requests: { requests: ALLOWED, window: 900 } };
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, limits }));
    pair = await startPair(store, { GATEHOUSE_CONFIG: file, ...BEHIND_PROXY }, database);
    party = await createRelyingParty(pair);
    const grants = { grant_types: ['authorization_code', DEVICE] };
    open = await createRelyingParty(pair, { metadata: { ...PUBLIC, ...grants } });
  });
  after(() => pair.stop());

  let ranges = 0;
  const newRange = () => {
    ranges += 1;
    return { 'x-forwarded-for': `203.0.${ranges}.7` };
  };
  const at = (index: number) => pair.processes[index % 2]?.url ?? '';
  const authorize = (from: Record<string, string>, index = 0, client = open) => {
    const { pathname, search } = new URL(client.url().url);
    return createWeb(pair.url).once(`${at(index)}${pathname}${search}`, { headers: from });
  };
  const post = (path: string, fields: Record<string, string>, headers = {}) =>
    fetch(`${pair.url}${path}`, { method: 'POST', headers, body: new URLSearchParams(fields) });
  const asked = (state = 'x') =>
    Object.fromEntries(new URL(open.url({ state }).url).searchParams) as Record<string, string>;
  const kept = async (model: string) => {
    const { store: database } = pair.core;
    return database.all(database.compile(database.sql('oidc_artifacts').where({ model })));
  };

  it('twenty at once over two processes: so many are kept, the rest is told when to come', async () => {
    const from = newRange();
    const before = (await kept('Interaction')).length;
    const pages = await Promise.all(
      Array.from({ length: 20 }, (_, index) => authorize(from, index)),
    );
    const limited = pages.filter(({ status }) => status === 429);
    expect(limited).to.have.length(20 - ALLOWED);
    expect((await kept('Interaction')).length - before).to.equal(ALLOWED);
    for (const page of limited) {
      expect(Number(page.headers.get('retry-after'))).to.be.within(1, 900);
      expect(page.headers.getSetCookie()).to.deep.equal([]);
      expect(titleOf(page)).to.equal('Something went wrong');
    }
    expect((await authorize(newRange())).status, 'from elsewhere').to.equal(303);
    await pair.advance('16m');
    expect((await authorize(from)).status, 'in the next window').to.equal(303);
  });

  it('pushed requests, device codes and forms of nobody stand in the same count', async () => {
    const from = newRange();
    for (let time = 0; time < ALLOWED / 4; time += 1) {
      expect((await authorize(from)).status).to.equal(303);
      expect((await post('/par', asked(), from)).status).to.equal(201);
      const device = await post('/device/authorize', { client_id: open.id }, from);
      expect(device.status).to.equal(200);
      expect(
        (await createWeb(pair.url).once(`${pair.url}/device`, { headers: from })).status,
      ).to.equal(200);
    }
    expect((await authorize(from)).status).to.equal(429);
    const pushed = await post('/par', asked(), from);
    expect(pushed.status).to.equal(429);
    expect(await pushed.json()).to.include({ error: 'too_many_open_requests' });
    expect((await post('/device/authorize', { client_id: open.id }, from)).status).to.equal(429);
    expect(
      (await createWeb(pair.url).once(`${pair.url}/device`, { headers: from })).status,
    ).to.equal(429);
    const own = Object.fromEntries(new URL(party.url().url).searchParams);
    const basic = `Basic ${btoa(`${party.id}:${party.secret}`)}`;
    const proved = await post('/par', own, { ...from, authorization: basic });
    expect(proved.status, 'a client that shows who it is').to.equal(201);
  });

  it('a sign-in that ends well gives its place back, and one that is cancelled does not', async () => {
    const from = newRange();
    const person = await createPerson(pair);
    for (let time = 0; time < 2 * ALLOWED; time += 1) {
      const web = createWeb(pair.url, [], undefined);
      const page = await web.get(party.url().url, from);
      expect(page.status, `sign-in ${time}`).to.equal(200);
      await signInAt(web, page, person);
    }
    for (let time = 0; time < ALLOWED; time += 1) {
      const web = createWeb(pair.url);
      const page = await web.get(party.url().url, from);
      await web.submit(page, '/cancel');
    }
    expect((await authorize(from)).status).to.equal(429);
  });

  it('a browser that somebody has signed in with has a count of its own', async () => {
    const { web } = await signIn(pair, party, await createPerson(pair));
    web.clear(({ name }) => !name.endsWith('gatehouse_browser'));
    const from = newRange();
    for (let time = 0; time < ALLOWED; time += 1) await authorize(from);
    expect((await authorize(from)).status).to.equal(429);
    const again = () => web.once(party.url().url, { headers: from });
    const statuses: number[] = [];
    for (let time = 0; time <= ALLOWED; time += 1) statuses.push((await again()).status);
    expect(statuses).to.deep.equal([...Array(ALLOWED).fill(303), 429]);
  });

  it('whoever is signed in and needs no page pays nothing', async () => {
    const { web } = await signIn(pair, party, await createPerson(pair));
    const from = newRange();
    for (let time = 0; time < ALLOWED; time += 1) await authorize(from);
    const page = await web.once(party.url().url, { headers: from });
    expect(page.headers.get('location')).to.match(/^https:\/\/app\.example\.com\/callback\?code=/);
  });

  it('one of more than 8 KB is refused by name of the cure', async () => {
    const from = newRange();
    const large = asked('s'.repeat(8 * KB));
    const page = await createWeb(pair.url).once(
      `${pair.url}/authorize?${new URLSearchParams(large)}`,
    );
    expect(page.status).to.equal(400);
    expect(page.text).to.include('shorter state');
    const body = new URLSearchParams(large).toString();
    expect((await createWeb(pair.url).post(`${pair.url}/authorize`, large)).status).to.equal(400);
    for (const path of ['/par', '/device/authorize']) {
      const answer = await post(path, large, from);
      expect(answer.status).to.equal(400);
      const { error, error_description: says } = (await answer.json()) as Record<string, string>;
      expect(error).to.equal('authorization_request_too_large');
      expect(says).to.match(/short `state`/);
      expect(await inChunks(`${pair.url}${path}`, body), 'in chunks').to.equal(400);
    }
    expect((await post('/par', asked('s'.repeat(7 * KB)), from)).status).to.equal(201);
  });

  it('one that grows where it is kept is refused, too', async () => {
    const from = newRange();
    // One byte on its way, and six in JSON.
    const body = `${new URLSearchParams(asked(''))}&ui_locales=${'\x01'.repeat(6 * KB)}`;
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...from };
    const answer = await fetch(`${pair.url}/par`, { method: 'POST', headers: form, body });
    expect(answer.status).to.equal(400);
  });

  it('a pushed request that nobody uses is gone after two minutes, a used one is not', async () => {
    const from = newRange();
    const used = await post('/par', asked(), from);
    const { request_uri } = (await used.json()) as { request_uri: string };
    const page = await createWeb(pair.url).once(
      `${pair.url}/authorize?${new URLSearchParams({ client_id: open.id, request_uri })}`,
      { headers: from },
    );
    expect(page.status).to.equal(303);
    expect((await post('/par', asked(), from)).status).to.equal(201);
    await pair.advance('125s');
    await sweep(pair.core.store, now());
    expect(await kept('PushedAuthorizationRequest')).to.have.length(1);
  });
});

/** The status of a form whose length nobody says. */
function inChunks(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'transfer-encoding': 'chunked',
    };
    const sent = httpRequest(url, { method: 'POST', headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
