// Tokens, sessions and consents in the audit: one row for what happened, none for what did not.
import { expect } from 'chai';
import { auditRows, auditText, said } from '../support/audit.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  type Answer,
  codeOf,
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signIn,
  signInAt,
} from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeb, type Web } from '../support/web.ts';

const AT_ONCE = 20;
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

onOneStoreExcept(/at once|beside|ends while/, 'the audit of the protocol', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let rotating: RelyingParty;
  let person: Person;
  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair);
    rotating = await createRelyingParty(pair, { metadata: { rotate_refresh_tokens: true } });
  });
  beforeEach(async () => {
    person = await createPerson(pair);
  });
  after(() => pair.stop());

  const rowsOf = ({ id }: Pick<Person, 'id'> = person) => auditRows(pair, { accountId: id });
  const tokensOf = async () =>
    (await rowsOf()).filter(({ kind }) => kind.startsWith('token.') || kind === 'session.ended');
  const everywhere = (send: (at: string) => Promise<Answer>) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => send(pair.processes[index % 2]?.url ?? '')),
    );
  const newCode = async () => {
    const web = createWeb(pair.url);
    const request = party.url();
    return { request, code: codeOf(await signInAt(web, await web.get(request.url), person)) };
  };

  it('twenty redemptions of one code at once leave one token.issued', async () => {
    const { request, code } = await newCode();
    const answers = await everywhere((at) => party.redeem(request, code, at));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    // Those that began when it was spent already are told as what they are.
    const rows = (await tokensOf()).filter(({ kind }) => kind !== 'token.reuse');
    expect(said(rows)).to.deep.equal(['token.issued ok']);
  });

  it('twenty refreshes at once leave a token.refreshed each', async () => {
    const { tokens } = await signIn(pair, party, person);
    await everywhere((at) => party.refresh(tokens.refresh_token ?? '', at));
    const rows = await tokensOf();
    expect(said(rows)).to.deep.equal(['token.issued ok', ...Array(20).fill('token.refreshed ok')]);
    expect(rows[1]).to.deep.include({
      accountId: person.id,
      clientId: party.id,
      actor: undefined,
      detail: { grant: 'refresh_token', scope: 'openid email' },
    });
    expect(rows[1]?.trace).to.match(/^[0-9A-HJKMNP-TV-Z]{10}$/);
    expect(rows[1]?.address).to.match(/^(127\.0\.0\.1|0:0:0:0:0:0:0:1)$/);
  });

  it('requests that are refused leave none', async () => {
    const { request, code } = await newCode();
    const forged = { ...request, verifier: 'x'.repeat(43) };
    const other = await createRelyingParty(pair);
    const refused = [
      await party.redeem(forged, code),
      await other.redeem(request, code),
      await party.token({ grant_type: 'authorization_code', code: 'x', redirect_uri: 'x' }),
      await party.refresh('nonsense'),
      await party.token({ grant_type: 'client_credentials' }),
    ];
    for (const { status } of refused) expect(status).to.equal(400);
    expect(await tokensOf()).to.deep.equal([]);
    // A token of this client was refused after it had been spent: the unit was given up.
    const { tokens } = await signIn(pair, party, person);
    const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' };
    const wrong = await party.token({ ...fields, resource: 'https://nowhere.example.com' });
    expect(wrong.status).to.equal(400);
    expect(said(await tokensOf())).to.deep.equal(['token.issued ok']);
  });

  it('what comes again is told with what it came from, though the request is refused', async () => {
    const { request, code } = await newCode();
    const first = await party.redeem(request, code);
    await pair.advance('6s');
    expect((await party.redeem(request, code)).status).to.equal(400);
    const { tokens } = await signIn(pair, rotating, person);
    const old = tokens.refresh_token ?? '';
    await rotating.refresh(old);
    await pair.advance('11s');
    expect((await rotating.refresh(old)).status).to.equal(400);
    expect(first.status).to.equal(200);
    const rows = await tokensOf();
    expect(said(rows)).to.deep.equal([
      'token.issued ok',
      'token.reuse refused: used before',
      'token.issued ok',
      'token.refreshed ok',
      'token.reuse refused: used before',
    ]);
    const reuses = rows.filter(({ kind }) => kind === 'token.reuse');
    expect(reuses.map(({ detail }) => detail.grant)).to.deep.equal([
      'authorization_code',
      'refresh_token',
    ]);
    expect(reuses.map(({ clientId }) => clientId)).to.deep.equal([party.id, rotating.id]);
    const text = await auditText(pair);
    for (const secret of [code, old, tokens.access_token]) expect(text).not.to.include(secret);
  });

  it('a second use beside the first is no reuse', async () => {
    const { tokens } = await signIn(pair, rotating, person);
    await rotating.refresh(tokens.refresh_token ?? '');
    expect((await rotating.refresh(tokens.refresh_token ?? '')).status).to.equal(200);
    const twice = ['token.refreshed ok', 'token.refreshed ok'];
    expect(said(await tokensOf())).to.deep.equal(['token.issued ok', ...twice]);
  });

  it('a client revokes its own token without a reuse', async () => {
    const { tokens } = await signIn(pair, party, person);
    await party.revoke(tokens.refresh_token ?? '');
    expect(said(await tokensOf())).to.deep.equal(['token.issued ok']);
  });

  it('a machine has its tokens told, too', async () => {
    const metadata = {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    };
    const machine = await createRelyingParty(pair, { metadata });
    const answer = await machine.token({ grant_type: 'client_credentials' });
    expect(answer.status).to.equal(200);
    const all = await auditRows(pair, { kind: 'token.issued' });
    const [row, ...more] = all.filter(({ clientId }) => clientId === machine.id);
    expect(more).to.deep.equal([]);
    expect(row?.accountId).to.equal(undefined);
    expect(row?.detail).to.deep.equal({
      grant: 'client_credentials',
      resource: `${pair.url}/api`,
    });
  });

  it('a device that is signed in belongs to the sign-in that allowed it', async () => {
    const metadata = {
      grant_types: [DEVICE, 'refresh_token'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'none',
    };
    const device = await createRelyingParty(pair, { metadata });
    const response = await fetch(`${pair.url}/device/authorize`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: device.id, scope: 'openid email' }),
    });
    const grant = (await response.json()) as Record<string, string>;
    const poll = () => device.token({ grant_type: DEVICE, device_code: grant.device_code ?? '' });
    expect((await poll()).body.error).to.equal('authorization_pending');
    const web = createWeb(pair.url);
    const page = await web.get(`${pair.url}/device`);
    const confirm = await web.submit(page, '/device', { user_code: grant.user_code ?? '' });
    const signInPage = await web.submit(confirm, '/device', { confirm: 'yes' });
    await signInAt(web, signInPage, person);
    expect((await poll()).status).to.equal(200);
    const rows = (await rowsOf()).slice(1);
    expect(said(rows)).to.deep.equal([
      'sign_in.password ok',
      'sign_in.finished ok',
      'consent.granted ok',
      'token.issued ok',
    ]);
    expect(rows[3]?.detail.grant).to.equal(DEVICE);
    expect(new Set(rows.map(({ flowId }) => flowId)).size).to.equal(1);
  });

  it('tokens of a session that stood already belong to no sign-in', async () => {
    const { web } = await signIn(pair, party, person);
    const request = party.url({ prompt: 'none' });
    await party.redeem(request, codeOf(await web.get(request.url)));
    const [first, second] = await tokensOf();
    expect(first?.flowId).to.be.a('string');
    expect(second?.flowId).to.equal(undefined);
  });

  it('the end of a session is told once, by whatever door', async () => {
    const atApplication = async (web: Web) => {
      const page = await web.get(`${pair.url}/sign-out?client_id=${party.id}`);
      await web.submit(page, '/confirm', { logout: 'yes' });
    };
    const atHome = async (web: Web) => {
      const page = await web.get(`${pair.url}/sign-out`);
      await web.submit(page, '/confirm', { logout: 'yes' });
    };
    const atAccount = async (web: Web) => {
      const page = await web.get(`${pair.url}/account`);
      await web.submit(page, '/account/sign-out');
    };
    for (const leave of [atApplication, atHome, atAccount]) {
      const { web } = await signIn(pair, party, person);
      await leave(web);
    }
    const ended = (await rowsOf()).filter(({ kind }) => kind === 'session.ended');
    expect(said(ended)).to.deep.equal([
      'session.ended ok: signed out at an application',
      'session.ended ok: signed out',
      'session.ended ok: signed out',
    ]);
    for (const row of ended) expect(row.actor).to.equal(person.id);
    expect(new Set(ended.map(({ detail }) => detail.session)).size).to.equal(3);
  });

  it('a session that ends while a code is made for it leaves no token behind', async () => {
    const { web } = await signIn(pair, party, person);
    const request = party.url({ prompt: 'none' });
    const code = codeOf(await web.get(request.url));
    const page = await web.get(`${pair.url}/account`);
    await web.submit(page, '/account/sign-out');
    expect((await party.redeem(request, code)).status).to.equal(400);
    expect(said(await tokensOf())).to.deep.equal([
      'token.issued ok',
      'session.ended ok: signed out',
    ]);
  });
});
