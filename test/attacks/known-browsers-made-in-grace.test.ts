// A thief with the password prepares browsers while a password is enough, to guess codes in each later.
import { expect } from 'chai';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, enrolOn } from '../support/enrolled-person.ts';
import { createExistingPerson } from '../support/existing-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import {
  allowIfAsked,
  codeOf,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const KNOWN = 'gatehouse_browser';
const WRONG = '000000';

onBothStores('known browsers made in grace', (store) => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let secret: string;

  before(async () => {
    gatehouse = await startGatehouse({ store, env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  const signedOut = (web: Web) => {
    web.clear(({ name }) => !name.startsWith(KNOWN));
    return web;
  };
  const enter = async (web: Web) => {
    const page = await afterPassword(web, party, person, { prompt: 'login' });
    expect(titleOf(page)).to.equal('Two-factor authentication');
    return page;
  };
  const prove = (web: Web, page: Page, code: string) => web.submit(page, '/prove/totp', { code });
  /** @returns how many of so many wrong codes were looked at */
  const guess = async (web: Web, times: number) => {
    const page = await enter(web);
    const statuses: number[] = [];
    for (let time = 0; time < times; time += 1) {
      statuses.push((await prove(web, page, WRONG)).status);
    }
    signedOut(web);
    return statuses.filter((status) => status !== 429).length;
  };
  const inGrace = async () => {
    const web = createWeb(gatehouse.url);
    const page = await afterPassword(web, party, person);
    codeOf(await allowIfAsked(web, await web.submit(page, '/enrol-later')));
    return signedOut(web);
  };
  const enrol = async () => {
    const web = createWeb(gatehouse.url);
    const setup = await afterPassword(web, party, person);
    const enrolled = await enrolOn(web, setup);
    codeOf(await allowIfAsked(web, enrolled.page));
    secret = enrolled.secret;
    await gatehouse.advance('30s');
    return signedOut(web);
  };
  const total = async (browsers: readonly Web[]) => {
    let looked = 0;
    for (const web of browsers) looked += await guess(web, 6);
    return looked;
  };

  it('get no codes of their own: six of them have the ten of a stranger', async () => {
    person = await createExistingPerson(gatehouse);
    const prepared: Web[] = [];
    while (prepared.length < 6) prepared.push(await inGrace());
    const owner = await enrol();
    expect(await total(prepared)).to.equal(10);
    const page = await enter(owner);
    codeOf(await allowIfAsked(owner, await prove(owner, page, codeFor(secret))));
  });

  it('become what others are by a second factor, and all together have twenty', async () => {
    person = await createExistingPerson(gatehouse);
    const browsers = [await inGrace(), await inGrace()];
    browsers.push(await enrol(), createWeb(gatehouse.url), createWeb(gatehouse.url));
    for (const web of browsers) {
      const page = await enter(web);
      codeOf(await allowIfAsked(web, await prove(web, page, codeFor(secret))));
      signedOut(web);
      await gatehouse.advance('30s');
    }
    expect(await guess(browsers[0] as Web, 6), 'of its own').to.equal(5);
    expect(await total([createWeb(gatehouse.url), createWeb(gatehouse.url)])).to.equal(5);
    expect(await total(browsers.slice(1))).to.equal(10);
  });
});
