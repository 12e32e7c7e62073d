// Every step of a sign-in leaves a row: what was decided and why, for whom, and from where.
import bcrypt from 'bcrypt';
import { expect } from 'chai';
import { auditRows, auditText, said } from '../support/audit.ts';
import { createFakeFactor, RIGHT_WORD } from '../support/fake-factor/fake-factor.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { BEHIND_PROXY, type From, freshAddress, guess, headersOf } from '../support/guesses.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeakPerson, NEW_PASSWORD, setHash, WEAK_PASSWORD } from '../support/weak-person.ts';
import { createWeb, findForm, type Page, titleOf, type Web } from '../support/web.ts';

const TRACE = /^[0-9A-HJKMNP-TV-Z]{10}$/;
const AGENT = 'Mozilla/5.0 (Test)';

onOneStoreExcept(/at once/, 'the audit of sign-ins', (store) => {
  const fake = createFakeFactor();
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;
  let from: From & { readonly address: string };

  before(async () => {
    gatehouse = await startGatehouse({ store, env: BEHIND_PROXY, factors: fake.factors });
    party = await createRelyingParty(gatehouse);
  });
  beforeEach(async () => {
    person = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
    from = { address: freshAddress(), userAgent: AGENT };
  });
  after(() => gatehouse.stop());

  /** What is recorded of an account after it was made. */
  const rowsOf = async ({ id }: Pick<Person, 'id'> = person) =>
    (await auditRows(gatehouse, { accountId: id })).slice(1);
  const submit = (page: Page, action: string, typed: Record<string, string>) => {
    const form = findForm(page, action);
    return web.post(form.action, { ...form.fields, ...typed }, headersOf(from));
  };
  const knock = async (who = person, parameters = {}): Promise<Page> => {
    const page = await web.get(party.url(parameters).url, headersOf(from));
    return submit(page, '/prove/password', { email: who.email, password: who.password });
  };
  const factor = (page: Page, word: string) => submit(page, '/prove/fake', { word });
  const traceOn = (page: Page) =>
    /Trace code: <code[^>]*>([^<]+)</.exec(page.text.replace(/<span[^>]*>|<\/span>/g, ''))?.[1];

  it('tells a whole sign-in, and that its tokens came of it', async () => {
    await fake.enrol(gatehouse, person);
    const request = party.url();
    const page = await web.get(request.url, headersOf(from));
    const { email, password } = person;
    const second = await submit(page, '/prove/password', { email, password });
    const last = await factor(second, RIGHT_WORD);
    const consent = await submit(last, '/consent', { decision: 'allow' });
    expect((await party.redeem(request, codeOf(consent))).status).to.equal(200);
    const rows = await rowsOf();
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.factor ok',
      'sign_in.finished ok',
      'consent.granted ok',
      'token.issued ok',
    ]);
    expect(rows.map(({ detail }) => detail)).to.deep.equal([
      { method: 'password', policy: 'met', due: 'second-factor' },
      { method: 'fake' },
      { acr: 'urn:gatehouse:acr:mfa', amr: ['pwd', 'hwk', 'mfa'] },
      { scopes: ['openid', 'email'], resources: [] },
      { grant: 'authorization_code', scope: 'openid email' },
    ]);
    expect(new Set(rows.map(({ flowId }) => flowId)).size, 'one sign-in').to.equal(1);
    expect(rows[0]?.flowId).to.match(/^[\w-]{22}$/);
    const people = rows.slice(0, 4);
    for (const row of people) {
      expect(row).to.include({ accountId: person.id, actor: person.id, clientId: party.id });
      expect(row).to.include({ address: from.address, userAgent: AGENT });
      expect(row.trace).to.match(TRACE);
      expect(row.time).to.be.within(Date.now() - 60_000, Date.now());
    }
    const [password_, factor_, finished] = people.map(({ trace }) => trace);
    expect(factor_, 'one request').to.equal(finished);
    expect(factor_, 'two requests').not.to.equal(password_);
    expect(rows[4]).to.include({ clientId: party.id, address: '127.0.0.1', actor: undefined });
  });

  it('says why a password was refused, and whose it was', async () => {
    await guess(party, person.email.toUpperCase(), 'wrong', from);
    const [row, ...more] = await rowsOf();
    expect(more).to.deep.equal([]);
    expect(row).to.deep.include({
      kind: 'sign_in.password',
      outcome: 'refused',
      reason: 'wrong password',
      actor: undefined,
      clientId: party.id,
      address: from.address,
      userAgent: AGENT,
      detail: { method: 'password' },
    });
    expect(row?.trace).to.match(TRACE);
    expect(row?.flowId).to.match(/^[\w-]{22}$/);
  });

  it('keeps nothing of a name that nobody has: it may be a password', async () => {
    const typed = 'Ups-Mein-Passwort9@example.com';
    await guess(party, typed, 'wrong', from);
    const rows = await auditRows(gatehouse, { kind: 'sign_in.password' });
    const row = rows.findLast((each) => each.address === from.address);
    expect(row).to.include({ outcome: 'refused', reason: 'unknown account', accountId: undefined });
    expect((await auditText(gatehouse)).toLowerCase()).not.to.include('mein-passwort9');
  });

  it('says why a second factor was refused', async () => {
    await fake.enrol(gatehouse, person);
    const second = await knock();
    await factor(second, 'no');
    await factor(second, 'explode');
    const [, ...rows] = await rowsOf();
    expect(said(rows)).to.deep.equal([
      'sign_in.factor refused: wrong word',
      'sign_in.factor refused: verifier failed',
    ]);
    for (const row of rows) expect(row).to.deep.include({ detail: { method: 'fake' } });
    expect(rows[0]).to.include({ actor: person.id, address: from.address });
  });

  describe('of limits', () => {
    const untilIn = (minutes: number, until: unknown) => {
      const wait = (Date.parse(String(until)) - Date.now()) / 60_000;
      expect(wait).to.be.within(minutes - 1, minutes);
    };

    it('names the rule when it is reached, and whenever it refuses', async () => {
      for (let time = 0; time < 7; time += 1) await guess(party, person.email, 'wrong', from);
      const rows = (await rowsOf()).slice(4);
      expect(said(rows)).to.deep.equal([
        'sign_in.password refused: wrong password',
        'sign_in.locked refused: limit reached',
        'sign_in.locked refused: attempt refused by a limit',
        'sign_in.locked refused: attempt refused by a limit',
      ]);
      for (const { detail, address, trace } of rows.slice(1)) {
        expect(detail).to.include({ rule: 'identifier', method: 'password' });
        untilIn(15, detail.until);
        expect(address).to.equal(from.address);
        expect(trace).to.match(TRACE);
      }
      expect(rows[0]?.trace, 'the fifth failure').to.equal(rows[1]?.trace);
    });

    it('on codes, too', async () => {
      await fake.enrol(gatehouse, person);
      const second = await knock();
      for (let time = 0; time < 10; time += 1) await factor(second, 'no');
      await factor(second, RIGHT_WORD);
      const rows = (await rowsOf()).slice(-2);
      expect(said(rows)).to.deep.equal([
        'sign_in.locked refused: limit reached',
        'sign_in.locked refused: attempt refused by a limit',
      ]);
      for (const { detail } of rows) {
        expect(detail).to.include({ rule: 'codes', method: 'fake' });
        untilIn(15, detail.until);
      }
    });

    it('on names that nobody has', async () => {
      const email = `nobody-${from.address}@example.com`;
      for (let time = 0; time < 6; time += 1) await guess(party, email, 'wrong', from);
      const rows = await auditRows(gatehouse, { kind: 'sign_in.locked' });
      const own = rows.filter(({ address }) => address === from.address);
      expect(own.map(({ accountId }) => accountId)).to.deep.equal([undefined, undefined]);
      expect(own.map(({ detail }) => detail.rule)).to.deep.equal(['identifier', 'identifier']);
    });
  });

  it('tells how a password gave way, and not by which rule or to which candidate', async () => {
    const weak = await createWeakPerson(gatehouse);
    const page = await knock(weak);
    expect(titleOf(page)).to.equal('Update your password');
    const choose = (password: string) =>
      submit(page, '/new-password', { new_password: password, confirm_password: password });
    await choose('kurz');
    await choose(NEW_PASSWORD);
    const rows = await rowsOf(weak);
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.migration refused: policy unmet',
      'sign_in.migration ok',
      'sign_in.finished ok',
      'password.changed ok',
    ]);
    const details = rows.map(({ detail }) => detail);
    expect(details[0]).to.include({ policy: 'unmet', due: 'new-password' });
    expect(details[1]).to.have.all.keys(['unmet']);
    expect(details[1]?.unmet).to.be.within(3, 6);
    expect(details[2]).to.deep.equal({ policy: 'met' });
  });

  it('tells of the sessions that a new password ends', async () => {
    await signIn(gatehouse, party, person);
    await signIn(gatehouse, party, person, { web });
    await setHash(gatehouse, person.id, await bcrypt.hash(WEAK_PASSWORD, 4));
    const page = await knock({ ...person, password: WEAK_PASSWORD }, { prompt: 'login' });
    const chosen = { new_password: NEW_PASSWORD, confirm_password: NEW_PASSWORD };
    await submit(page, '/new-password', chosen);
    const ended = (await rowsOf()).filter(({ kind }) => kind === 'session.ended');
    expect(said(ended), 'not the one of this browser').to.deep.equal([
      'session.ended ok: password changed',
    ]);
    expect(ended[0]?.detail.session).to.match(/^[\w-]{21,}$/);
  });

  it('refuses the same password and too many candidates by name', async () => {
    const weak = await createWeakPerson(gatehouse);
    const page = await knock(weak);
    const choose = (password: string) =>
      submit(page, '/new-password', { new_password: password, confirm_password: password });
    for (let time = 0; time < 21; time += 1) await choose(`kurz${time}`);
    const rows = await rowsOf(weak);
    expect(said(rows.slice(-2))).to.deep.equal([
      'sign_in.migration refused: policy unmet',
      'sign_in.migration refused: too many candidates',
    ]);
    expect(rows.at(-1)?.detail).to.deep.equal({});
  });

  it('tells of sign-ins that the person, or what was asked for, ended', async () => {
    const page = await knock(await withFactor());
    await submit(page, '/cancel', {});
    const other = await knock(person, { scope: 'openid email profile' });
    expect(titleOf(other)).to.equal('Two-factor authentication');
    const consent = await factor(other, RIGHT_WORD);
    await submit(consent, '/consent', { decision: 'deny' });
    const rows = await rowsOf();
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.finished refused: cancelled by the person',
      'sign_in.password ok',
      'sign_in.factor ok',
      'sign_in.finished ok',
      'consent.granted refused: the person denied the access',
    ]);
    expect(rows[1]?.flowId).to.equal(rows[0]?.flowId);
    expect(rows[5]).to.include({ flowId: rows[2]?.flowId, actor: person.id, clientId: party.id });
  });

  const withFactor = async () => {
    await fake.enrol(gatehouse, person);
    return person;
  };

  it('tells of an acr that could not be reached', async () => {
    const acr = { essential: true, value: 'urn:example:nothing' };
    await knock(person, { claims: JSON.stringify({ id_token: { acr } }) });
    const row = (await rowsOf()).at(-1);
    expect(row).to.deep.include({
      kind: 'sign_in.finished',
      outcome: 'refused',
      reason: 'the requested acr cannot be reached',
      detail: {
        acr: 'urn:gatehouse:acr:password',
        amr: ['pwd'],
        wanted: 'unreachable',
      },
    });
  });

  it('tells whose session ends when somebody else signs in', async () => {
    await signIn(gatehouse, party, person, { web });
    const other = await createPerson(gatehouse);
    await knock(other, { prompt: 'login' });
    const row = (await rowsOf()).at(-1);
    expect(said(row ? [row] : [])).to.deep.equal(['session.ended ok: somebody else signed in']);
    expect(row).to.include({ accountId: person.id, actor: other.id, address: from.address });
    const { flowId } = (await rowsOf(other))[0] ?? {};
    expect(row?.flowId).to.equal(flowId);
  });

  it('one step that is sent ten times at once leaves one row', async () => {
    const page = await web.get(party.url().url);
    const { email, password } = person;
    await Promise.all(
      Array.from({ length: 10 }, () => {
        const form = findForm(page, '/prove/password');
        return web.copy().post(form.action, { ...form.fields, email, password });
      }),
    );
    const rows = said((await rowsOf()).filter(({ outcome }) => outcome === 'ok'));
    expect(rows).to.deep.equal(['sign_in.password ok', 'sign_in.finished ok']);
  });

  describe('of pages that show a trace code', () => {
    const flowOf = async () => (await rowsOf()).find((row) => row.flowId)?.flowId;
    const rowOf = async (page: Page) => {
      const rows = await auditRows(gatehouse, { kind: 'sign_in.finished' });
      return rows.find(({ trace }) => trace === traceOn(page));
    };

    beforeEach(() => withFactor());

    it('leads from an expired one to its sign-in', async () => {
      const page = await knock();
      await gatehouse.advance('16m');
      const expired = await web.get(page.url);
      expect(expired.status).to.equal(410);
      expect(await rowOf(expired)).to.include({
        outcome: 'refused',
        reason: 'flow_expired',
        flowId: await flowOf(),
        accountId: person.id,
        clientId: party.id,
      });
    });

    it('leads from one without its cookie', async () => {
      const page = await knock();
      const bare = await createWeb(gatehouse.url).get(page.url);
      expect(bare.status).to.equal(400);
      const row = await rowOf(bare);
      expect(row).to.include({ reason: 'cookies_needed', flowId: await flowOf() });
      // Whoever sends no cookie has not shown to be anybody.
      expect(row?.actor).to.equal(undefined);
    });

    it('leads from a form that came from elsewhere', async () => {
      const page = await knock();
      const { action } = findForm(page, '/prove/fake');
      const forged = await web.post(action, { csrf: 'x', word: RIGHT_WORD });
      expect(forged.status).to.equal(403);
      expect(await rowOf(forged)).to.include({ reason: 'csrf_failed', flowId: await flowOf() });
    });

    it('leads nowhere from an address that is no sign-in', async () => {
      const before = (await auditRows(gatehouse)).length;
      const page = await web.get(`${gatehouse.url}/sign-in/nowhere-at-all`);
      expect(page.status).to.equal(410);
      await web.get(`${gatehouse.url}/nowhere`);
      expect(await auditRows(gatehouse)).to.have.length(before);
    });
  });

  it('a User-Agent of 10 kB that terminals would obey is one escaped line', async () => {
    from = { ...from, userAgent: `a\x9b31m\\\x85"%0d%0a'${'x'.repeat(10_000)}` };
    expect(titleOf(await knock())).to.equal('Allow access');
    const agents = (await rowsOf()).map(({ userAgent }) => userAgent ?? '');
    expect(agents).to.have.length(2);
    for (const agent of agents) {
      expect(agent).to.match(/^a\\u\{9b\}31m\\\\\\u\{85\}"%0d%0a'x+…$/);
      expect(agent).to.have.length(256).and.not.to.match(/\p{C}/u);
    }
  });

  it('holds nothing secret, whatever was typed, sent or handed out', async () => {
    await withFactor();
    const request = party.url();
    const page = await web.get(request.url);
    const { csrf = '' } = findForm(page, '/prove/password').fields;
    const uid = page.url.pathname.split('/').at(-1);
    await submit(page, '/prove/password', { email: person.email, password: 'Falsch-1-Falsch' });
    const second = await knock();
    await factor(second, 'Falsches-Wort-1');
    const last = await allowIfAsked(web, await factor(second, RIGHT_WORD));
    const { tokens, code, request: own } = await signIn(gatehouse, party, person, { web });
    await party.redeem(own, code);
    const secrets: Record<string, unknown> = {
      csrf,
      uid,
      code,
      password: person.password,
      'wrong password': 'Falsch-1-Falsch',
      word: RIGHT_WORD,
      'wrong word': 'Falsches-Wort-1',
      'first code': codeOf(last),
      verifier: own.verifier,
      'client secret': party.secret,
      'access token': tokens.access_token,
      'refresh token': tokens.refresh_token,
      'id token': tokens.id_token,
    };
    for (const { name, value } of web.cookies()) secrets[`cookie ${name}`] = value;
    const text = await auditText(gatehouse);
    expect(text).to.include(person.id);
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret, name).to.be.a('string').with.length.greaterThan(9);
      expect(text.includes(String(secret)), name).to.equal(false);
    }
  });
});
