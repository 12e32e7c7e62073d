// One code, one refresh token: twenty requests at once on two processes, one winner.
import { expect } from 'chai';
import { type Pair, startPair } from '../support/pair.ts';
import {
  type Answer,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  signIn,
  signInAt,
  type Tokens,
} from '../support/relying-party.ts';
import { onBothStores } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const ROUNDS = 5;
const AT_ONCE = 20;

onBothStores('parallel redemption on two processes', (store) => {
  let pair: Pair;
  let party: RelyingParty;
  let rotating: RelyingParty;
  before(async () => {
    pair = await startPair(store);
    party = await createRelyingParty(pair);
    rotating = await createRelyingParty(pair, { metadata: { rotate_refresh_tokens: true } });
  });
  after(() => pair.stop());

  const everywhere = (send: (at: string) => Promise<Answer>) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) => send(pair.processes[index % 2]?.url ?? '')),
    );

  const expectOneWinner = (answers: readonly Answer[]): Tokens => {
    const winners = answers.filter(({ status }) => status === 200);
    const losers = answers.filter(({ status }) => status === 400);
    expect(winners, 'winners').to.have.length(1);
    expect(losers.map(({ body }) => body.error)).to.deep.equal(
      Array.from({ length: AT_ONCE - 1 }, () => 'invalid_grant'),
    );
    return winners[0]?.body as unknown as Tokens;
  };

  const newCode = async () => {
    const web = createWeb(pair.url);
    const request = party.url();
    const page = await web.get(request.url);
    const code = codeOf(await signInAt(web, page, await createPerson(pair)));
    return { request, code };
  };

  for (let round = 1; round <= ROUNDS; round += 1) {
    it(`one code brings tokens once, and a late reuse kills them (round ${round})`, async () => {
      const { request, code } = await newCode();
      const tokens = expectOneWinner(await everywhere((at) => party.redeem(request, code, at)));
      const late = await party.redeem(request, code);
      expect(late.body.error).to.equal('invalid_grant');
      expect((await party.userinfo(tokens.access_token)).status).to.equal(401);
      const refreshed = await party.refresh(tokens.refresh_token ?? '');
      expect(refreshed.body.error).to.equal('invalid_grant');
    });

    it(`one rotating token is good for parallel requests, and no later (round ${round})`, async () => {
      const { tokens } = await signIn(pair, rotating, await createPerson(pair));
      const old = tokens.refresh_token ?? '';
      const answers = await everywhere((at) => rotating.refresh(old, at));
      for (const { status } of answers) expect(status).to.equal(200);
      const next = answers.map(({ body }) => String(body.refresh_token));
      expect(new Set(next).size, 'each has its own').to.equal(AT_ONCE);
      const again = await rotating.refresh(next[0] ?? '');
      expect(again.status).to.equal(200);
      await pair.advance('11s');
      expect((await rotating.refresh(old)).body.error).to.equal('invalid_grant');
      for (const token of [String(again.body.refresh_token), next[1] ?? '']) {
        expect((await rotating.refresh(token)).body.error).to.equal('invalid_grant');
      }
    });
  }

  it('a code used again at once, one after the other, kills what the first use brought', async () => {
    const { request, code } = await newCode();
    const first = await party.redeem(request, code);
    expect(first.status).to.equal(200);
    const second = await party.redeem(request, code, pair.processes[1].url);
    expect(second.body.error).to.equal('invalid_grant');
    expect((await party.userinfo(String(first.body.access_token))).status).to.equal(401);
  });

  it('ten sign-ins of one person at once all work', async () => {
    const person = await createPerson(pair);
    const all = await Promise.all(
      Array.from({ length: 10 }, () => signIn(pair, party, person).then(({ tokens }) => tokens)),
    );
    expect(new Set(all.map(({ access_token: token }) => token)).size).to.equal(10);
  });

  it('ten applications opened at once in one session all get tokens', async () => {
    const person = await createPerson(pair);
    const { web } = await signIn(pair, party, person);
    const metadata = { first_party: true };
    const parties = await Promise.all(
      Array.from({ length: 10 }, () => createRelyingParty(pair, { metadata })),
    );
    const answers = await Promise.all(
      parties.map(async (each) => {
        const request = each.url();
        return each.redeem(request, codeOf(await web.copy().get(request.url)));
      }),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 200));
    const tokens = answers.map(({ body }) => String(body.access_token));
    const infos = await Promise.all(tokens.map((token) => party.userinfo(token)));
    expect(infos.map(({ status }) => status)).to.deep.equal(infos.map(() => 200));
  });

  it('ten requests of one application at once in one session share a family', async () => {
    const person = await createPerson(pair);
    const { web } = await signIn(pair, party, person);
    const other = await createRelyingParty(pair, { metadata: { first_party: true } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const request = other.url();
        return other.redeem(request, codeOf(await web.copy().get(request.url)));
      }),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(answers.map(() => 200));
    const refreshed = await Promise.all(
      answers.map(({ body }) => other.refresh(String(body.refresh_token))),
    );
    expect(refreshed.map(({ status }) => status)).to.deep.equal(refreshed.map(() => 200));
  });
});
