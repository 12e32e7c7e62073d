// The short codes that devices show, guessed to be connected to somebody else's device.
import { expect } from 'chai';
import { auditRows } from '../support/audit.ts';
import { BEHIND_PROXY, freshAddress, retryAtOf } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createRelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { alertOf, createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const LIMIT = 20;

onBothStores('guessing codes of devices', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
  });
  after(() => pair.stop());

  const start = async () => {
    const metadata = {
      token_endpoint_auth_method: 'none',
      grant_types: [DEVICE],
      redirect_uris: [],
      response_types: [],
    };
    const { id } = await createRelyingParty(pair, { metadata });
    const response = await fetch(`${pair.url}/device/authorize`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: id, scope: 'openid' }),
    });
    return ((await response.json()) as { user_code: string }).user_code;
  };

  interface Guesser {
    readonly web: Web;
    readonly page: Page;
    readonly from: string;
  }
  const guesser = async (from: string): Promise<Guesser> => {
    const web = createWeb(pair.url);
    return { web, from, page: await web.get(`${pair.url}/device`) };
  };
  const send = ({ web, page, from }: Guesser, code: string, process = 0) => {
    const { action, fields } = findForm(page, '/device');
    const url = new URL(action.pathname, pair.processes[process]?.url);
    return web.post(url, { ...fields, user_code: code }, { 'x-forwarded-for': from });
  };
  const wrong = (i: number) => `BBBB-BB${'BCDFGHJKLMNPQRSTVWXZ'.charAt(i)}B`;

  it('is over after twenty, the right one too, and the page says until when', async () => {
    const code = await start();
    const from = freshAddress();
    for (let i = 0; i < LIMIT; i += 1) {
      // A browser of its own each time buys nothing.
      const page = await send(await guesser(from), wrong(i), i % 2);
      expect(page.status).to.equal(200);
      expect(alertOf(page)).to.equal("That code isn't valid. Check it and try again.");
    }
    for (const process of [0, 1]) {
      const page = await send(await guesser(from), code, process);
      expect(page.status).to.equal(429);
      expect(Number(page.headers.get('retry-after'))).to.be.within(800, 900);
      expect(titleOf(page)).to.equal('Connect a device');
      expect(alertOf(page)).to.match(/^Too many failed attempts.* Try again at /);
      expect(retryAtOf(page)).to.be.within(800, 900);
      expect(page.text).not.to.include('value="yes"');
    }
    const elsewhere = await send(await guesser(freshAddress()), code);
    expect(elsewhere.text, 'its owner is somewhere else').to.include('value="yes"');
    await pair.advance('15m');
    const another = await start();
    expect((await send(await guesser(from), another)).text).to.include('value="yes"');
    const rows = await auditRows(pair, { kind: 'sign_in.locked' });
    expect(rows).to.have.length(3);
    expect(rows[0]?.detail).to.include({ rule: 'user-codes', method: 'user-code' });
  });

  it('is twenty also when all come at once', async () => {
    const from = freshAddress();
    const all = await Promise.all(Array.from({ length: 60 }, () => guesser(from)));
    const pages = await Promise.all(all.map((one, i) => send(one, wrong(i % LIMIT), i % 2)));
    expect(pages.filter(({ status }) => status === 200)).to.have.length(LIMIT);
    expect(pages.filter(({ status }) => status === 429)).to.have.length(60 - LIMIT);
  });

  it('right ones cost nothing, however many devices somebody connects', async () => {
    const from = freshAddress();
    for (let i = 0; i <= LIMIT; i += 1) {
      const page = await send(await guesser(from), await start());
      expect(page.text).to.include('value="yes"');
    }
  });
});
