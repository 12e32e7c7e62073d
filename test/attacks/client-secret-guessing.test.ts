// Whoever guesses at client secrets is stopped; whoever has the right one never is.
import { expect } from 'chai';
import { application, createApplication } from '../support/application.ts';
import { auditText, said, untilTold } from '../support/audit.ts';
import { BEHIND_PROXY, freshAddress } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';

const LIMIT = 20;

onBothStores('guessing client secrets', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  before(async () => {
    pair = await startPair(store, BEHIND_PROXY);
    const metadata = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
    party = await createRelyingParty(pair, { metadata });
  });
  after(() => pair.stop());

  interface Attempt {
    readonly secret?: string | undefined;
    readonly from: string;
    readonly userAgent?: string;
    readonly path?: string;
    readonly process?: 0 | 1;
  }
  const attempt = async ({ secret = 'wrong', from, userAgent = 'one', ...rest }: Attempt) => {
    const { path = '/token', process = 0 } = rest;
    const response = await fetch(`${pair.processes[process].url}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${party.id}:${secret}`)}`,
        'x-forwarded-for': from,
        'user-agent': userAgent,
      },
      body: new URLSearchParams({ grant_type: 'client_credentials', token: 'x' }),
    });
    const body = (await response.json()) as Record<string, unknown>;
    return { status: response.status, body, retry: response.headers.get('retry-after') };
  };
  const guess = async (times: number, options: Attempt) => {
    const statuses: number[] = [];
    for (let i = 0; i < times; i += 1) {
      const process = (i % 2) as 0 | 1;
      const path = i % 3 === 0 ? '/introspect' : '/token';
      statuses.push((await attempt({ ...options, process, path })).status);
    }
    return statuses;
  };

  it('is over after twenty, at every endpoint of every process', async () => {
    const from = freshAddress();
    expect(await guess(LIMIT, { from })).to.deep.equal(Array(LIMIT).fill(401));
    for (const process of [0, 1] as const) {
      const { status, body, retry } = await attempt({ from, process });
      expect({ status, error: body.error }).to.deep.equal({ status: 429, error: 'invalid_client' });
      expect(Number(retry)).to.be.within(800, 900);
    }
    expect((await attempt({ from, secret: party.secret })).status, 'the right one').to.equal(200);
    expect((await attempt({ from, userAgent: 'two' })).status, 'another agent').to.equal(429);
    expect((await attempt({ from: freshAddress() })).status).to.equal(401);
    await pair.advance('15m');
    expect((await attempt({ from })).status).to.equal(401);
    const rows = await untilTold(pair, { kind: 'sign_in.locked' }, 4);
    expect(said(rows)).to.deep.equal([
      'sign_in.locked refused: limit reached',
      ...Array(3).fill('sign_in.locked refused: attempt refused by a limit'),
    ]);
    expect(rows[0]).to.deep.include({ clientId: party.id, address: from });
    expect(rows[0]?.detail).to.include({ rule: 'client-secrets', method: 'client-secret' });
    expect(await auditText(pair)).not.to.include(party.secret);
  });

  it('is over at the JSON doors, too, in their words', async () => {
    const from = freshAddress();
    const app = await createApplication(pair);
    const person = await createPerson(pair);
    const login = ({ id, secret }: Pick<RelyingParty, 'id' | 'secret'>) =>
      application(pair.url, id, secret).post(
        'login',
        { email: person.email, password: person.password },
        { headers: { 'x-forwarded-for': from, 'user-agent': 'one' } },
      );
    await guess(LIMIT - 1, { from });
    expect((await login({ ...app, secret: 'wrong' })).status).to.equal(401);
    const { status, body, headers } = await login({ ...app, secret: 'wrong' });
    expect([status, body.error]).to.deep.equal([429, 'rate_limited']);
    expect(body.attempts_remaining).to.equal(0);
    expect(body.reset_at).to.match(/^20\d\d-/);
    expect(Number(headers.get('retry-after'))).to.be.within(800, 900);
    expect((await login(app)).status).to.equal(200);
  });

  it('is twenty also when all come at once', async () => {
    const from = freshAddress();
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, i) => attempt({ from, process: (i % 2) as 0 | 1 })),
    );
    const looked = answers.filter(({ status }) => status === 401);
    expect(looked).to.have.length(LIMIT);
    expect(answers.filter(({ status }) => status === 429)).to.have.length(60 - LIMIT);
  });

  it('what is right writes nothing down', async () => {
    const counters = async () => {
      const { store: database } = pair.core;
      const rows = await database.all(database.compile(database.sql('limit_counters')));
      return rows.length;
    };
    const before = await counters();
    const from = freshAddress();
    for (let i = 0; i < 5; i += 1) {
      expect((await attempt({ from, secret: party.secret })).status).to.equal(200);
    }
    expect(await counters()).to.equal(before);
  });
});
