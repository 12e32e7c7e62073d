// Twenty times the same at once, over two processes: what has happened once is told of once.
import { expect } from 'chai';
import { openAccount } from '../support/account-page.ts';
import { auditRows } from '../support/audit.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, type Page, type Web } from '../support/web.ts';

const AT_ONCE = 20;

onBothStores('twenty at once', (store) => {
  let pair: Pair;
  let party: RelyingParty;

  before(async () => {
    pair = await startPair(store, { GATEHOUSE_CONFIG: '' });
    party = await createRelyingParty(pair, {
      metadata: {
        first_party: true,
        backchannel_logout_uri: 'https://app.example.com/signed-out',
      },
    });
  });
  after(() => pair.stop());

  /** With the cookies of this moment, at one of the processes. */
  const send = async (web: Web, page: Page, action: string, fields: object, index: number) => {
    const form = findForm(page, action);
    const target = new URL(form.action.pathname, pair.processes[index % 2]?.url);
    const body = new URLSearchParams({ ...form.fields, ...fields }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const browser = web.copy();
    const answer = await browser.once(target, { method: 'POST', body, headers });
    expect(answer.status, answer.text.slice(0, 300)).to.be.below(500);
    const location = answer.headers.get('location') ?? '';
    return location.startsWith('/sign-in/') ? browser.get(new URL(location, target)) : answer;
  };
  const atOnce = (web: Web, page: Page, action: string, fields: (index: number) => object) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => send(web, page, action, fields(index), index)),
    );
  const locks = async (filter: { accountId?: string } = {}) =>
    (await auditRows(pair, { ...filter, kind: 'sign_in.locked' })).filter(
      ({ reason }) => reason === 'limit reached',
    );
  const endsOf = async ({ id }: Person) =>
    (await auditRows(pair, { accountId: id, kind: 'session.ended' })).length;
  const letters = async () => {
    const { sql, compile, all } = pair.core.store;
    return (await all(compile(sql('outbox').where({ recipient: party.id })))).length;
  };

  it('wrong codes reach the limit once, and once more in the next window', async () => {
    const person = await createEnrolledPerson(pair, party);
    const web = createWeb(pair.url);
    for (let round = 1; round <= 2; round += 1) {
      const page = await afterPassword(web, party, person);
      const wrong = (index: number) => ({ code: String(index).padStart(6, '0') });
      const answers = await atOnce(web, page, '/prove/totp', wrong);
      expect(answers.filter(({ status }) => status === 422)).to.have.length(10);
      const told = await locks({ accountId: person.id });
      expect(told.map(({ detail }) => detail.rule)).to.deep.equal(Array(round).fill('codes'));
      await pair.advance('16m');
    }
  });

  it('wrong passwords reach it once', async () => {
    const { email, id } = await createPerson(pair);
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    await atOnce(web, page, '/prove/password', (index) => ({ email, password: `wrong ${index}` }));
    expect((await locks({ accountId: id })).map(({ detail }) => detail.rule)).to.deep.equal([
      'identifier',
    ]);
  });

  const closed = async ({ id }: Person) => (await pair.core.limits.findClosed({ id })).length;
  const refusals = async ({ id }: Person) => {
    const rows = await auditRows(pair, { accountId: id, kind: 'sign_in.factor' });
    return rows.filter(({ outcome }) => outcome === 'refused').length;
  };

  it('copies of one form with a right code are no guesses', async () => {
    const person = await createEnrolledPerson(pair, party);
    const web = createWeb(pair.url);
    const page = await afterPassword(web, party, person);
    const code = codeFor(person.secret);
    const answers = await atOnce(web, page, '/prove/totp', () => ({ code }));
    // To the application, or to what says that the sign-in is finished.
    for (const { status } of answers) expect(status).to.be.oneOf([200, 303]);
    expect([await closed(person), await refusals(person)]).to.deep.equal([0, 0]);

    const thief = createWeb(pair.url);
    const seen = await afterPassword(thief, party, person);
    const replayed = await atOnce(thief, seen, '/prove/totp', () => ({ code }));
    expect(replayed.filter(({ status }) => status === 422)).to.have.length(10);
    expect([await closed(person), await refusals(person)]).to.deep.equal([1, 10]);
  });

  it('nor are copies with one backup code', async () => {
    const person = await createEnrolledPerson(pair, party);
    const web = createWeb(pair.url);
    const challenge = await afterPassword(web, party, person);
    const page = await web.get(`${challenge.url.href.split('/prove')[0]}?method=backup-codes`);
    const [code = ''] = person.backupCodes;
    await atOnce(web, page, '/prove/backup-codes', () => ({ code }));
    expect([await closed(person), await refusals(person)]).to.deep.equal([0, 0]);
    expect(await pair.core.recoveryCodes.left(person.id)).to.equal(9);
  });

  it('wrong passwords beside a right one of somebody else are guesses', async () => {
    const [thief, victim] = [await createPerson(pair), await createPerson(pair)];
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    await atOnce(web, page, '/prove/password', (index) =>
      index === 3
        ? { email: thief.email, password: thief.password }
        : { email: victim.email, password: `wrong ${index}` },
    );
    const [first] = await pair.core.limits.findClosed(victim);
    expect(first?.rule).to.equal('identifier');
  });

  it('sign-outs end one session', async () => {
    const person = await createEnrolledPerson(pair, party);
    const { web } = await openAccount(pair, person);
    await web.get(party.url().url);
    const [ended, sent] = [await endsOf(person), await letters()];
    const page = await web.get(`${pair.url}/sign-out`);
    const answers = await atOnce(web, page, '/sign-out/confirm', () => ({ logout: 'yes' }));
    expect(await endsOf(person)).to.equal(ended + 1);
    expect(await letters()).to.equal(sent + 1);
    // Whichever of them the browser listens to: the cookie is taken back.
    for (const { status, headers } of answers) {
      if (status === 303) expect(headers.getSetCookie().join()).to.include('gatehouse_session=;');
    }
  });

  it('sign-ins of somebody else end one session', async () => {
    const [before, after] = [
      await createEnrolledPerson(pair, party),
      await createEnrolledPerson(pair, party),
    ];
    const { web } = await openAccount(pair, before);
    const ended = await endsOf(before);
    const tabs = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const fresh = web.copy();
        const page = await afterPassword(fresh, party, after, { prompt: 'login' });
        const path = page.url.href.replace(/\/prove.*/, '');
        return { fresh, page: await fresh.get(`${path}?method=backup-codes`) };
      }),
    );
    const answers = await Promise.all(
      tabs.map(({ fresh, page }, index) => {
        const code = after.backupCodes[index] ?? '';
        return send(fresh, page, '/prove/backup-codes', { code }, index);
      }),
    );
    // Who comes late finds the session gone with which the tab was opened.
    for (const { status } of answers) expect(status).to.be.oneOf([200, 303, 410]);
    expect(answers.some(({ status }) => status === 303)).to.equal(true);
    expect(await endsOf(before)).to.equal(ended + 1);
  });
});
