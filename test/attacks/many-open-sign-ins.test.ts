// A foreign page, or a Monday morning, opens far more sign-ins in one browser than anybody finishes.
import { expect } from 'chai';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signInAt,
} from '../support/relying-party.ts';
import { onBothStores, onOneStoreExcept, SQLITE } from '../support/stores.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const MOST = 100;
const GIVEN_UP = 'You had more than 100 sign-ins open in this browser';

onOneStoreExcept(/at once|sixty/, 'many open sign-ins of one browser', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let web: Web;

  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
  });
  beforeEach(() => {
    web = createWeb(pair.url);
  });
  after(() => pair.stop());

  const ask = () => web.get(party.url().url);
  const uidOf = (page: Page) => page.url.pathname.split('/').at(-1) ?? '';
  const resume = (page: Page) => `${pair.url}/authorize/${uidOf(page)}`;
  const table = () => pair.core.store.sql('oidc_artifacts').where({ model: 'Interaction' });

  /** As many more as this browser's newest one. */
  const seed = async (count: number) => {
    const { store: database } = pair.core;
    // Seeds of an earlier test may be of a later millisecond.
    const asked = table().whereNot('key', 'like', 'seed-%');
    const newest = asked.orderBy('created_at', 'desc').limit(1);
    const row = await database.find(database.compile(newest));
    const rows = Array.from({ length: count }, (_, index) => ({
      ...row,
      key: `seed-${row?.key}-${index}`,
      created_at: Number(row?.created_at) + 1 + index,
    }));
    await database.write(database.compile(database.sql('oidc_artifacts').insert(rows), count));
    return String(row?.browser_key);
  };
  const openOf = async (browser: string) => {
    const { store: database } = pair.core;
    const open = table().where({ browser_key: browser }).whereNull('consumed_at').select('key');
    return (await database.all(database.compile(open))).length;
  };
  /** On the other node. */
  const elsewhere = (url: string | URL) =>
    new URL(new URL(url).pathname + new URL(url).search, pair.processes[1].url);

  /** All at once, on both nodes: the tabs go on when each has its answer. */
  const restore = async () => {
    const urls = Array.from({ length: 60 }, () => party.url().url);
    const open = async (url: string, index: number) => {
      const { headers } = await web.once(index % 2 ? url : elsewhere(url));
      return headers.get('location') ?? '';
    };
    const next = await Promise.all(urls.map(open));
    const tabs = await Promise.all(next.map((path) => web.get(new URL(path, pair.url))));
    return { tabs, states: urls.map((url) => new URL(url).searchParams.get('state')) };
  };

  it('are a hundred: the first one still finishes, and one more closes the oldest', async () => {
    const person = await createPerson(pair);
    const [oldest, second] = [await ask(), await ask()];
    const browser = await seed(MOST - 2);
    expect(await openOf(browser)).to.equal(MOST);
    expect(titleOf(await web.get(elsewhere(oldest.url)))).to.equal('Sign in');

    await web.get(elsewhere(party.url().url));
    expect(await openOf(browser)).to.equal(MOST);
    const form = findForm(oldest, '/prove/password');
    const { email, password } = person;
    const answers = [
      await web.get(oldest.url),
      await web.get(elsewhere(oldest.url)),
      await web.post(form.action, { ...form.fields, email, password }),
      await web.get(resume(oldest)),
      await web.get(elsewhere(resume(oldest))),
    ];
    for (const page of answers) {
      expect([page.status, titleOf(page)]).to.deep.equal([410, 'Your sign-in expired']);
      expect(page.text).to.include(GIVEN_UP).and.to.include('href="https://app.example.com/"');
      expect(page.text).to.include('Start again').and.not.to.include('<form');
    }
    // To others it says nothing of that.
    expect(titleOf(await createWeb(pair.url).get(oldest.url))).to.equal('Cookies are needed');
    codeOf(await signInAt(web, second, person));
    expect(await openOf(browser)).to.equal(MOST - 1);
    expect(web.cookieHeader(pair.url).length).to.be.below(1000);
  });

  it('stay about a hundred when many begin at once, and those of others are left alone', async () => {
    const other = createWeb(pair.url);
    const theirs = await other.get(party.url().url);
    await ask();
    const browser = await seed(MOST - 1);
    const headers = { cookie: web.cookieHeader(pair.url) };
    const many = Array.from({ length: 20 }, (_, index) =>
      web.once(index % 2 ? party.url().url : elsewhere(party.url().url), { headers }),
    );
    for (const { status } of await Promise.all(many)) expect(status).to.equal(303);
    // Side by side, none sees the others: the next one closes what is left over.
    await ask();
    expect(await openOf(browser)).to.equal(MOST);
    expect(titleOf(await other.get(theirs.url))).to.equal('Sign in');
  });

  it('sixty restored tabs of a browser with the cookie all show a sign-in, and each can end', async () => {
    const person = await createPerson(pair);
    await ask();
    const cookies = web.cookies();
    const { tabs } = await restore();
    expect(new Set(tabs.map(uidOf)).size).to.equal(60);
    expect(web.cookies()).to.deep.equal(cookies);
    for (const tab of [tabs[59], tabs[0], tabs[30]] as Page[]) {
      codeOf(await signInAt(createWeb(pair.url, cookies), tab, person));
    }
  });

  it('sixty that come before the browser has any cookie begin again under the one it keeps', async () => {
    const person = await createPerson(pair);
    const { tabs, states } = await restore();
    expect(web.cookies().map(({ name }) => name)).to.deep.equal(['gatehouse_sign_in']);
    for (const tab of tabs) expect(titleOf(tab), tab.url.href).to.equal('Sign in');
    const ended = await signInAt(web.copy(), tabs[7] as Page, person);
    expect(codeOf(ended)).to.be.a('string');
    expect(ended.url.searchParams.get('state')).to.equal(states[7]);
    codeOf(await signInAt(web.copy(), tabs[50] as Page, person));
  });
});

describe('a sign-in that was overtaken by another cookie', () => {
  it('begins again only for the browser that may have sent it', async () => {
    const gatehouse = await startGatehouse({ store: SQLITE });
    try {
      const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
      const known = createWeb(gatehouse.url);
      await known.get(party.url().url);
      await gatehouse.advance('61s');
      const begin = async (web: Web, parameters = {}) => {
        const { headers } = await web.once(party.url(parameters).url);
        return new URL(headers.get('location') ?? '', gatehouse.url);
      };
      const look = async (web: Web, { pathname }: URL) =>
        titleOf(await web.once(new URL(pathname, gatehouse.url)));
      const fresh = () => createWeb(gatehouse.url);
      const NEEDED = 'Cookies are needed';

      // Without a cookie, or of a browser that had one, or once a page of it was seen.
      expect(await look(fresh(), await begin(fresh()))).to.equal(NEEDED);
      expect(await look(known, await begin(known.copy()))).to.equal('Sign in');
      const other = fresh();
      await other.get(party.url().url);
      expect(await look(other, await begin(known))).to.equal(NEEDED);
      const opened = await fresh().get(party.url().url);
      expect(await look(known, opened.url)).to.equal(NEEDED);
      const late = await begin(fresh());
      await gatehouse.advance('61s');
      expect(await look(known, late)).to.equal(NEEDED);

      // The one with the cookie that the browser had for a moment, before it kept another.
      const early = fresh();
      await begin(early);
      expect(titleOf(await known.get(await begin(early)))).to.equal('Sign in');
      await gatehouse.advance('61s');
      expect(await look(known, await begin(early))).to.equal(NEEDED);

      // The other browser's own row is not touched: this one asks for itself.
      const web = fresh();
      const address = await begin(web);
      const again = await known.once(new URL(address.pathname, gatehouse.url));
      const { pathname } = new URL(again.headers.get('location') ?? '');
      expect([again.status, pathname]).to.deep.equal([303, '/authorize']);
      expect((await known.get(again.headers.get('location') ?? '')).url.pathname).not.to.equal(
        address.pathname,
      );
      expect(titleOf(await web.get(address))).to.equal('Sign in');
    } finally {
      await gatehouse.stop();
    }
  });
});

onBothStores('a hundred open sign-ins', (store) => {
  it('cost neither session nor trusted device nor known browser', async () => {
    const gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    try {
      const party = await createRelyingParty(gatehouse, { metadata: { first_party: true } });
      const person = await createEnrolledPerson(gatehouse, party);
      const web = createWeb(gatehouse.url);
      const page = await afterPassword(web, party, person);
      codeOf(
        await web.submit(page, '/prove/totp', { code: codeFor(person.secret), remember: 'yes' }),
      );
      const before = web.cookies().map(({ name, value }) => `${name}=${value}`);
      const first = await web.get(party.url({ prompt: 'login' }).url);
      for (let open = 1; open < MOST; open += 1) {
        await web.once(party.url({ prompt: 'login' }).url);
      }
      const after = web.cookies().map(({ name, value }) => `${name}=${value}`);
      expect(after).to.deep.equal(before);
      codeOf(await signInAt(web, first, person));
    } finally {
      await gatehouse.stop();
    }
  });
});
