// Another door buys no further guesses: pages and JSON count together, on every node.
import { expect } from 'chai';
import { type Application, createApplication } from '../support/application.ts';
import { codeFor } from '../support/authenticator-app.ts';
import { afterPassword, createEnrolledPerson } from '../support/enrolled-person.ts';
import { guessWrong } from '../support/guesses.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { createPerson, createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { onOneStoreExcept } from '../support/stores.ts';
import { createWeb, titleOf } from '../support/web.ts';

const AT_ONCE = 20;
const ROUNDS = 5;
const WITH_FACTOR = { GATEHOUSE_CONFIG: '' };

onOneStoreExcept(/at once|either node/, 'guesses at the JSON door', (store) => {
  let pair: Pair;
  let app: Application;
  let party: RelyingParty;

  before(async () => {
    pair = await startPair(store, WITH_FACTOR);
    app = await createApplication(pair);
    party = await createRelyingParty(pair, { metadata: { first_party: true } });
  });
  after(() => pair.stop());

  const at = (index: number) => ({ at: pair.processes[index % 2]?.url ?? '' });
  /** Apart from each other: the page's browser and the application's are one fingerprint less. */
  const fresh = async () => {
    await pair.advance('16m');
  };

  it('three wrong passwords on the page and two over JSON are five', async () => {
    await fresh();
    const { email, password } = await createPerson(pair);
    expect(await guessWrong(party, email, 3)).to.deep.equal([422, 422, 422]);
    const left = [];
    for (const index of [0, 1]) {
      const { body } = await app.post('login', { email, password: 'wrong' }, at(index));
      left.push(body.attempts_remaining);
    }
    expect(left).to.deep.equal([1, 0]);
    const right = await app.post('login', { email, password });
    expect([right.status, right.body.error]).to.deep.equal([429, 'rate_limited']);
    const page = await afterPassword(createWeb(pair.url), party, { email, password, id: '' });
    expect(page.status).to.equal(429);
  });

  it('fifty wrong passwords at once over both nodes: five are looked at', async () => {
    await fresh();
    const { email } = await createPerson(pair);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        app.post('login', { email, password: `wrong ${index}` }, at(index)),
      ),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).to.have.length(5);
    expect(statuses.filter((status) => status === 429)).to.have.length(45);
  });

  it('wrong codes of one sign-in on the page and another over JSON are ten', async () => {
    await fresh();
    const person = await createEnrolledPerson(pair, party);
    const web = createWeb(pair.url);
    let page = await afterPassword(web, party, person);
    for (let tries = 0; tries < 6; tries += 1) {
      page = await web.submit(page, '/prove/totp', { code: '000000' });
    }
    const { email, password } = person;
    const { session_id } = (await app.post('login', { email, password })).body;
    const seen = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const { body } = await app.post('mfa', { session_id, totp_code: '000000' }, at(tries));
      seen.push([body.error, body.attempts_remaining]);
    }
    expect(seen).to.deep.equal([
      ['invalid_mfa_code', 3],
      ['invalid_mfa_code', 2],
      ['invalid_mfa_code', 1],
      ['invalid_mfa_code', 0],
      ['rate_limited', 0],
    ]);
    page = await web.submit(page, '/prove/totp', { code: codeFor(person.secret) });
    expect(page.status).to.equal(429);
  });

  it('one code is good for one of twenty sign-ins at once', async () => {
    await fresh();
    const { email, password, secret } = await createEnrolledPerson(pair, party);
    for (let round = 0; round < ROUNDS; round += 1) {
      const code = codeFor(secret);
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          app.post('login', { email, password, totp_code: code }, at(index)),
        ),
      );
      const statuses = answers.map(({ status }) => status);
      expect(
        statuses.filter((status) => status === 200),
        `round ${round}`,
      ).to.have.length(1);
      expect(statuses.filter((status) => status >= 500)).to.deep.equal([]);
      await pair.advance('16m');
    }
  });

  it('a half-done sign-in ends once, and on either node', async () => {
    await fresh();
    const { email, password, secret } = await createEnrolledPerson(pair, party);
    for (let round = 0; round < ROUNDS; round += 1) {
      const { session_id } = (await app.post('login', { email, password }, at(round))).body;
      const totp_code = codeFor(secret);
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          app.post('mfa', { session_id, totp_code }, at(index)),
        ),
      );
      const won = answers.filter(({ status }) => status === 200);
      expect(won, `round ${round}`).to.have.length(1);
      await pair.advance('16m');
    }
  });

  it('ten right passwords at once all sign in', async () => {
    await fresh();
    const { email, password, secret } = await createEnrolledPerson(pair, party);
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => app.post('login', { email, password }, at(index))),
    );
    expect(answers.map(({ body }) => body.error)).to.deep.equal(answers.map(() => 'mfa_required'));
    expect(secret).to.be.a('string');
  });

  it('a refresh token that is sent twice at once leaves one family alive', async () => {
    await fresh();
    const { email, password, secret } = await createEnrolledPerson(pair, party);
    const rotating = await createApplication(pair, { rotate_refresh_tokens: true });
    let { refreshToken } = (
      await rotating.post('login', { email, password, totp_code: codeFor(secret) })
    ).body;
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, (_, index) =>
          rotating.post('refresh', { refreshToken }, at(index)),
        ),
      );
      for (const { status } of answers) expect(status, `round ${round}`).to.equal(200);
      refreshToken = answers[round % AT_ONCE]?.body.refreshToken;
    }
  });

  it('what the JSON door signs in stands on the account page, and ends there', async () => {
    await fresh();
    const person = await createEnrolledPerson(pair, party);
    const { email, password, secret } = person;
    const pocket = await createApplication(pair, { client_name: 'Pocket App' });
    const agent = { headers: { 'user-agent': 'Example App/1.0' } };
    const login = { email, password, totp_code: codeFor(secret) };
    const { body } = await pocket.post('login', login, agent);
    expect(body.refreshToken, JSON.stringify(body)).to.be.a('string');
    await pair.advance('30s');
    const web = createWeb(pair.url);
    let page = await afterPassword(web, party, person);
    page = await web.submit(page, '/prove/totp', { code: codeFor(secret) });
    page = await web.get(`${pair.url}/account`);
    expect(titleOf(page)).to.equal('Account');
    const [, sessions = ''] = page.text.split('>Sessions<');
    const [own = ''] = sessions.split('</section>');
    expect(own).to.include('Pocket App');
    const ends = [...page.text.matchAll(/action="(\/account\/sessions\/[\w-]+\/[\w-]+)"/g)];
    expect(ends.length, page.text).to.equal(2);
    for (const [, action] of ends.reverse()) {
      if (titleOf(page) === 'Account') page = await web.submit(page, String(action));
    }
    const refreshed = await pocket.post('refresh', { refreshToken: body.refreshToken });
    expect([refreshed.status, refreshed.body.error]).to.deep.equal([401, 'invalid_refresh_token']);
  });
});
