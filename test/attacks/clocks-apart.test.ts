// Two nodes whose clocks are a minute apart: what works once does, what is stolen is seen, nobody waits.
import { expect } from 'chai';
import { runCommand } from '../support/processes.ts';
import { type SkewedPair, startSkewedPair } from '../support/skewed-pair.ts';

const APART = 60_000;

for (const [name, skew] of [
  ['ahead', APART],
  ['behind', -APART],
] as const) {
  describe(`a node whose clock is a minute ${name} (PostgreSQL)`, () => {
    let nodes: SkewedPair;
    before(async () => {
      nodes = await startSkewedPair(skew);
    });
    after(() => nodes.pair.stop());

    const refresh = (token: string, node: 0 | 1) =>
      nodes.party.token({ grant_type: 'refresh_token', refresh_token: token }, nodes.at(node));
    const begin = async (node: 0 | 1) => {
      const { request, code } = await nodes.authorize();
      const { status, body } = await nodes.party.redeem(request, code, nodes.at(node));
      expect(status, JSON.stringify(body)).to.equal(200);
      return String(body.refresh_token);
    };

    it('takes codes of the other, and its access tokens', async () => {
      const { request, code } = await nodes.authorize();
      const { status, body } = await nodes.party.redeem(request, code, nodes.at(1));
      expect(status, JSON.stringify(body)).to.equal(200);
      const { status: known } = await fetch(`${nodes.at(0)}/userinfo`, {
        headers: { authorization: `Bearer ${body.access_token}` },
      });
      expect(known).to.equal(200);
    });

    for (const [first, second] of [
      [0, 1],
      [1, 0],
    ] as const) {
      it(`a double submit at ${first} and ${second} ends no family`, async () => {
        const token = await begin(first);
        const answers = await Promise.all([refresh(token, first), refresh(token, second)]);
        for (const { status, body } of answers) {
          expect(status).to.equal(200);
          expect((await refresh(String(body.refresh_token), second)).status).to.equal(200);
        }
      });

      it(`a theft that comes to ${second} after ${first} is seen`, async () => {
        const token = await begin(first);
        const next = String((await refresh(token, first)).body.refresh_token);
        await nodes.pair.advance('31s');
        expect((await refresh(token, second)).status).to.equal(400);
        expect((await refresh(next, second)).body.error).to.equal('invalid_grant');
      });
    }

    it('is told: in the log, by readiness, and by doctor', async () => {
      const [right, wrong] = nodes.pair.processes;
      expect(wrong.output()).to.match(/clock is 60 s (ahead of|behind) the database's/);
      expect(right.output()).not.to.include('clock is');
      const ready = await fetch(`${wrong.url}/health/ready`);
      const body = (await ready.json()) as { clock_skew: number };
      expect(ready.status).to.equal(200);
      expect(Math.round(body.clock_skew)).to.be.within(skew / 1000 - 1, skew / 1000 + 1);
      const options = { database: nodes.pair.database, env: { ISSUER: nodes.pair.url } };
      const { stdout } = await runCommand(['doctor'], options);
      expect(stdout).to.match(/FAIL {2}clocks: .* is 60 s (ahead of|behind) the database's/);
    });
  });
}
