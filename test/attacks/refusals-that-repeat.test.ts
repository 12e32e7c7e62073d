// Refusals sent over and over: one event and a count for each rule, subject and window.
import { expect } from 'chai';
import type { AuditRow } from '../../src/domain/audit/audit.ts';
import { repeatedOf } from '../../src/domain/audit/folding.ts';
import { type Application, createApplication } from '../support/application.ts';
import { auditRows, untilTold } from '../support/audit.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb, findForm, type Web } from '../support/web.ts';

const TIMES = 20;
const twenty = <T>(work: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: TIMES }, (_, index) => work(index)));

onBothStores('refusals sent twenty times to two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let app: Application;

  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair);
    app = await createApplication(pair);
  });
  after(() => pair.stop());

  const at = (index: number) => pair.processes[index % 2]?.url;
  const login = (email: string, index: number) =>
    app.post('login', { email, password: 'wrong' }, { at: at(index) as string });
  /** What stands in the table, whatever runs beside it. */
  const written = async (kind: string): Promise<AuditRow[]> => {
    const { store: database } = pair.core;
    const rows = database.sql('audit_events').where({ kind }).orderBy('id');
    return (await database.all(database.compile(rows))) as unknown as AuditRow[];
  };
  const counts = async () => {
    const { store: database } = pair.core;
    return database.all(database.compile(database.sql('audit_counts')));
  };
  const nextWindow = async () => {
    await pair.advance('16m');
    await Promise.all([pair.core.audit.closeEnded(), pair.core.audit.closeEnded()]);
  };

  it('by a limit: one event, a running count, and one event when the window ends', async () => {
    const { email, id } = await createPerson(pair);
    for (let failure = 0; failure < 5; failure += 1) await login(email, failure);
    const before = (await written('sign_in.locked')).length;
    const answers = await twenty((index) => login(email, index));
    expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([429]));
    const filter = { accountId: id, kind: 'sign_in.locked' } as const;
    const told = await untilTold(pair, filter, 1 + TIMES);
    expect(told.at(-1)).to.include({ reason: 'attempt refused by a limit', accountId: id });
    const first = (await written('sign_in.locked')).slice(before);
    expect(first, 'in the table').to.have.length(1);

    await nextWindow();
    const after = (await written('sign_in.locked')).slice(before);
    expect(after, 'in the table').to.have.length(2);
    expect(after[0], 'what was written is never changed').to.deep.equal(first[0]);
    const [, last] = (await auditRows(pair, filter)).slice(-2);
    expect(last && repeatedOf(last)).to.include({
      repeated: TIMES - 1,
      first: first[0]?.id,
    });
    expect(last?.detail.rule).to.equal('identifier');
    expect(await counts(), 'nothing runs any more').to.deep.equal([]);
  });

  it('once in a window leaves no second event', async () => {
    const refused = await fetch(`${pair.url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${party.id}:wrong`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    });
    expect(refused.status).to.equal(401);
    await nextWindow();
    expect(await written('client.refused')).to.have.length(1);
    expect(await counts()).to.deep.equal([]);
  });

  it('of a client: one for its wrong secrets, whatever User-Agents send them', async () => {
    const before = (await written('client.refused')).length;
    await twenty((index) =>
      fetch(`${at(index)}/introspect`, {
        method: 'POST',
        headers: {
          authorization: `Basic ${btoa(`${party.id}:wrong ${index}`)}`,
          'user-agent': `agent ${index}`,
        },
        body: new URLSearchParams({ token: 'x' }),
      }),
    );
    await untilTold(pair, { kind: 'client.refused' }, before + TIMES);
    expect((await written('client.refused')).length - before).to.equal(1);
  });

  it('of names that nobody has: one, and no sign-in is kept', async () => {
    await nextWindow();
    const before = (await written('sign_in.password')).length;
    const { length: told } = await auditRows(pair, { kind: 'sign_in.password' });
    await twenty((index) => login(`nobody-${index}@example.com`, index));
    await untilTold(pair, { kind: 'sign_in.password' }, told + 10);
    expect((await written('sign_in.password')).length - before).to.equal(1);
    const { store: database } = pair.core;
    const flows = await database.all(database.compile(database.sql('sign_in_flows')));
    expect(flows).to.deep.equal([]);
  });

  it('of a form that is no good: one, and the first leads to its sign-in', async () => {
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    const before = (await written('sign_in.finished')).length;
    await twenty((index) => web.post(`${at(index)}${page.url.pathname}/cancel`, { csrf: 'x' }));
    const rows = await untilTold(pair, { kind: 'sign_in.finished' }, before + TIMES);
    expect((await written('sign_in.finished')).length - before).to.equal(1);
    expect((await pair.core.audit.findByTrace(rows[before]?.trace ?? ''))?.flowId).to.be.a(
      'string',
    );
  });
});

onBothStores('answers sent twenty times to two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;

  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair);
  });
  after(() => pair.stop());

  const at = (path: string, index: number) => new URL(path, pair.processes[index % 2]?.url);
  const rowsOf = async (kind: 'consent.granted' | 'sign_in.finished', reason?: string) =>
    (await auditRows(pair, { kind })).filter((row) => row.reason === reason);
  const consentPage = async (web: Web) => {
    const { email, password } = await createPerson(pair);
    const page = await web.get(party.url({ prompt: 'consent' }).url);
    const consent = await web.submit(page, '/prove/password', { email, password });
    return findForm(consent, '/consent');
  };
  const sendOnly = (web: Web, path: URL, fields: Record<string, string>) =>
    web.once(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    });

  for (const [decision, reason] of [
    ['allow', undefined],
    ['deny', 'the person denied the access'],
  ] as const) {
    it(`${decision} leaves one event`, async () => {
      const web = createWeb(pair.url);
      const { action, fields } = await consentPage(web);
      const before = (await rowsOf('consent.granted', reason)).length;
      const answers = await twenty((index) =>
        sendOnly(web, at(action.pathname, index), { ...fields, decision }),
      );
      expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([303]));
      expect((await rowsOf('consent.granted', reason)).length - before).to.equal(1);
    });
  }

  it('Cancel leaves one event, and starting again one row', async () => {
    const web = createWeb(pair.url);
    const page = await web.get(party.url().url);
    const { action, fields } = findForm(page, '/cancel');
    const restart = action.pathname.replace('/cancel', '/restart');
    for (let time = 0; time < TIMES; time += 1) await sendOnly(web, at(restart, time), fields);
    const { store: database } = pair.core;
    const empty = database.sql('sign_in_flows').whereNull('account_id');
    expect(await database.all(database.compile(empty))).to.have.length(1);
    await twenty((index) => sendOnly(web, at(action.pathname, index), fields));
    expect(await rowsOf('sign_in.finished', 'cancelled by the person')).to.have.length(1);
  });
});
