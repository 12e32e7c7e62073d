// A sibling host sets cookies for the domain both are in: a sign-in that it has begun is nobody else's.
import { expect } from 'chai';
import { askForDevice, DEVICE_GRANT } from '../browser/helpers.ts';
import { codeFor, secretOn } from '../support/authenticator-app.ts';
import { WITH_FACTOR } from '../support/gatehouse.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { type Cookie, createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const ISSUER = 'https://id.example.com';
const NEEDED = 'Cookies are needed';

onBothStores('a sign-in that a sibling host has planted', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let person: Person;
  let attacker: Web;
  let victim: Web;

  before(async () => {
    pair = await startPair(store, { ...WITH_FACTOR, ISSUER, TEST_CLOCK: '' });
    const metadata = { first_party: true };
    party = await createRelyingParty({ core: pair.core, url: ISSUER }, { metadata });
  });
  beforeEach(async () => {
    person = await createPerson(pair);
    attacker = browser();
    victim = browser();
  });
  after(() => pair.stop());

  /** Behind a proxy that ends TLS and asks one of the two processes. */
  const browser = (cookies: readonly Cookie[] = [], node = 0): Web =>
    createWeb(ISSUER, cookies, undefined, pair.processes[node]?.url);
  const onOtherNode = (web: Web) => browser(web.cookies(), 1);
  /** What a browser takes from a sibling host; it sends what is older first. */
  const planted = (from: Web, into: Web): Web =>
    browser([
      ...from.cookies().filter(({ name }) => !name.startsWith('__Host-')),
      ...into.cookies(),
    ]);
  const ask = (web: Web) => web.get(party.url().url);
  const uidOf = (page: Page) => page.url.pathname.split('/').at(-1);
  const resume = (page: Page) => `${ISSUER}/authorize/${uidOf(page)}`;

  /** Goes as far as its forms lead; the last answer is not followed. */
  const finish = async (web: Web, first: Page): Promise<Page> => {
    const { email, password } = person;
    const enrolling = await web.submit(first, '/prove/password', { email, password });
    const code = codeFor(secretOn(enrolling));
    const saving = await web.submit(enrolling, '/enrol/totp', { code });
    const form = findForm(saving, '/backup-codes');
    const body = new URLSearchParams({ ...form.fields, saved: 'yes' });
    return web.once(form.action, { method: 'POST', body });
  };
  const expectNothing = async (web: Web, page: Page) => {
    expect(page.url.searchParams.get('code'), page.url.href).to.equal(null);
    expect(web.cookies().map(({ name }) => name)).not.to.include('__Host-gatehouse_session');
    expect(titleOf(await web.get(`${ISSUER}/account`))).to.equal('Sign in');
  };

  it('is not finished by the victim for whoever resumes it first', async () => {
    const mine = await ask(attacker);
    const lured = planted(attacker, victim);
    const page = await lured.get(mine.url);
    if (page.text.includes('name="password"')) await finish(lured, page);
    await expectNothing(attacker, await attacker.get(resume(mine)));
    expect([page.status, titleOf(page)]).to.deep.equal([400, NEEDED]);
  });

  it('is not finished by a victim with sign-ins of their own either, on any node', async () => {
    await ask(victim);
    const mine = await ask(attacker);
    for (const web of [planted(attacker, victim), onOtherNode(planted(attacker, victim))]) {
      for (const url of [mine.url, resume(mine)]) {
        const page = await web.get(url);
        expect([page.status, titleOf(page)]).to.deep.equal([400, NEEDED]);
      }
      const form = findForm(mine, '/prove/password');
      const { email, password } = person;
      const answer = await web.post(form.action, { ...form.fields, email, password });
      expect([answer.status, titleOf(answer)]).to.deep.equal([400, NEEDED]);
    }
    await expectNothing(attacker, await attacker.get(resume(mine)));
  });

  it('shows whoever planted it no key and no backup code', async () => {
    const mine = await ask(attacker);
    const lured = planted(attacker, victim);
    const page = await lured.get(mine.url);
    if (page.text.includes('name="password"')) {
      const { email, password } = person;
      await lured.submit(page, '/prove/password', { email, password });
    }
    const seen = await attacker.get(mine.url);
    expect(titleOf(seen)).to.equal('Sign in');
    expect(seen.text).not.to.include('data:image/png');
  });

  it('knowing the address of a sign-in of the victim opens no page, post or resume of it', async () => {
    await ask(attacker);
    const first = await ask(victim);
    const { email, password } = person;
    const enrolling = await victim.submit(first, '/prove/password', { email, password });
    const { fields, action } = findForm(await victim.next(enrolling), '/enrol/totp');
    const code = codeFor(secretOn(enrolling));
    const thieves = () => [attacker, onOtherNode(attacker), browser(), planted(victim, attacker)];
    const expectShut = async () => {
      for (const thief of thieves()) {
        const answers = [
          await thief.get(first.url),
          await thief.post(action, { ...fields, code }),
          await thief.get(`${first.url}/backup-codes.txt`),
          await thief.get(resume(first)),
        ];
        for (const { status, text } of answers) {
          expect(status).to.equal(400);
          expect(text).to.include(NEEDED).and.not.to.include('data:image/png');
        }
      }
    };
    await expectShut();
    const saving = await onOtherNode(victim).submit(enrolling, '/enrol/totp', { code });
    expect(titleOf(saving)).to.equal('Save your backup codes');
    await expectShut();
    const form = findForm(saving, '/backup-codes');
    const body = new URLSearchParams({ ...form.fields, saved: 'yes' });
    const ended = await victim.once(form.action, { method: 'POST', body });
    expect(ended.headers.get('location')).to.equal(resume(first));
    await expectShut();
    codeOf(await onOtherNode(victim).get(resume(first)));
  });

  it('the sign-in of a device is shut to others, who cannot spoil its code either', async () => {
    const metadata = {
      grant_types: [DEVICE_GRANT],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'none',
      first_party: true,
    };
    const at = { core: pair.core, url: ISSUER };
    const { id } = await createRelyingParty(at, { metadata });
    const { url } = pair.processes[0];
    const device = await askForDevice({ url }, id);
    const typed = await victim.get(device.verification_uri_complete);
    const confirm = await victim.submit(typed, '/device', { user_code: device.user_code });
    const first = await victim.submit(confirm, '/device', { confirm: 'yes' });
    const ended = await finish(victim, first);
    const onward = new URL(ended.headers.get('location') ?? '', ISSUER);
    expect(onward.pathname).to.equal(`/device/${uidOf(first)}`);
    for (const thief of [attacker, onOtherNode(attacker), planted(victim, attacker)]) {
      const page = await thief.get(onward);
      expect([page.status, titleOf(page)]).to.deep.equal([400, NEEDED]);
    }
    expect(titleOf(await onOtherNode(victim).get(onward))).to.equal('Device connected');
  });

  it('two cookies of one name are none', async () => {
    const page = await ask(victim);
    const own = victim.cookieHeader(page.url);
    const others = (await ask(attacker)) && attacker.cookieHeader(page.url);
    for (const cookie of [`${others}; ${own}`, `${own}; ${others}`, `${own}; ${own}`]) {
      const answer = await browser().get(page.url, { cookie });
      expect([answer.status, titleOf(answer)], cookie).to.deep.equal([400, NEEDED]);
    }
    // White space that browsers take for part of the name, so that no prefix protects it.
    for (const space of ['\xa0', '\t']) {
      const answer = await browser().get(page.url, { cookie: `a=b;${space}${own}` });
      expect(answer.status, JSON.stringify(space)).to.equal(400);
    }
  });

  it('the form of another sign-in of the same browser, or of another browser, is refused', async () => {
    const pages = [await ask(victim), await ask(victim), await ask(attacker)] as const;
    const [own, ...others] = pages.map((page) => findForm(page, '/prove/password'));
    for (const { fields } of others) {
      const answer = await victim.post(own?.action ?? '', { ...fields, ...person });
      expect(answer.status).to.equal(403);
    }
  });

  it('cookies of earlier versions count for nothing and are taken back', async () => {
    const page = await ask(victim);
    const uid = uidOf(page);
    const old = (name: string) =>
      `__Secure-gatehouse_${name}=${uid}; __Secure-gatehouse_${name}.sig=x`;
    for (const [url, name] of [
      [page.url, 'interaction'],
      [new URL(resume(page)), 'resume'],
    ] as const) {
      const answer = await browser().once(url, { headers: { cookie: old(name) } });
      expect(answer.status).to.equal(400);
      const lines = answer.headers.getSetCookie().filter((line) => line.includes(name));
      expect(lines).to.have.length(2);
      for (const line of lines) {
        expect(line).to.match(
          /^__Secure-gatehouse_[\w.]+=; path=\/[\w/-]+; expires=Thu, 01 Jan 1970/,
        );
        expect(line)
          .to.include(`path=${url.pathname};`)
          .and.to.match(/; secure/i);
      }
    }
    for (const line of (await victim.once(page.url)).headers.getSetCookie()) {
      expect(line).not.to.match(/interaction|resume/);
    }
  });
});
