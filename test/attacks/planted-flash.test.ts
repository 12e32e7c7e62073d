// What a page says after a form travels in a cookie: a stranger's, a forged or a left one says nothing.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { alertOf, createWeb, type Page, titleOf, type Web } from '../support/web.ts';

const FLASH = 'gatehouse_flash_';

describe('a planted flash', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  before(async () => {
    gatehouse = await startGatehouse();
    party = await createRelyingParty(gatehouse);
  });
  after(() => gatehouse.stop());

  /** A refused password whose redirect is not followed. @returns the cookie that it left */
  const leave = async (web: Web, page: Page): Promise<{ name: string; value: string }> => {
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const answer = await web.once(`${page.url}/prove/password`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ csrf, email: 'a@example.com', password: 'wrong' }).toString(),
    });
    expect(answer.status).to.equal(303);
    const left = web.cookies().filter(({ name }) => name.startsWith(FLASH));
    return left.at(-1) as { name: string; value: string };
  };
  const open = async () => {
    const web = createWeb(gatehouse.url);
    return { web, page: await web.get(party.url().url) };
  };

  it('of another browser says nothing, whatever name it has', async () => {
    const [thief, victim] = [await open(), await open()];
    const planted = await leave(thief.web, thief.page);
    const own = await leave(victim.web, victim.page);
    for (const name of [planted.name, own.name]) {
      const cookie = `${victim.web.cookieHeader(victim.page.url).replace(/gatehouse_flash\S+/g, '')} ${name}=${planted.value}`;
      const page = await victim.web.get(victim.page.url, { cookie });
      expect([page.status, titleOf(page), alertOf(page)]).to.deep.equal([200, 'Sign in', '']);
    }
  });

  it('that was changed or cut says nothing and breaks nothing', async () => {
    const { web, page } = await open();
    const { name, value } = await leave(web, page);
    const rest = web.cookieHeader(page.url).replace(/gatehouse_flash\S+/g, '');
    for (const bad of [
      value.slice(0, -1),
      `${value}A`,
      value.slice(0, 12),
      '',
      '.',
      'x'.repeat(4000),
    ]) {
      const shown = await web.get(page.url, { cookie: `${rest} ${name}=${bad}` });
      expect([shown.status, alertOf(shown)], bad.slice(0, 20)).to.deep.equal([200, '']);
    }
    const own = await web.get(page.url, { cookie: `${rest} ${name}=${value}` });
    expect(own.status).to.equal(422);
  });

  it('is shown once, and never holds a password', async () => {
    const { web, page } = await open();
    const { value } = await leave(web, page);
    expect(Buffer.from(value.split('.')[1] ?? '', 'base64url').toString('latin1')).not.to.include(
      'wrong',
    );
    expect((await web.get(page.url)).status).to.equal(422);
    expect((await web.get(page.url)).status).to.equal(200);
    expect(web.cookies().filter(({ name }) => name.startsWith(FLASH))).to.deep.equal([]);
  });

  it('of many sign-ins fills no header: a few are kept', async () => {
    const web = createWeb(gatehouse.url);
    for (let count = 0; count < 12; count += 1) await leave(web, await web.get(party.url().url));
    const kept = web.cookies().filter(({ name }) => name.startsWith(FLASH));
    expect(kept.length).to.be.within(1, 5);
  });
});
