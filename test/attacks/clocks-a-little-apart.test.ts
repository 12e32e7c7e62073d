// A node whose clock is off by less than a second: a stolen code that comes a second time is seen.
import { expect } from 'chai';
import { type SkewedPair, startSkewedPair } from '../support/skewed-pair.ts';

for (const [name, skew, first, second] of [
  ['ahead', 900, 1, 0],
  ['behind', -900, 0, 1],
] as const) {
  describe(`a node whose clock is 0.9 s ${name} (PostgreSQL)`, () => {
    let nodes: SkewedPair;
    before(async () => {
      nodes = await startSkewedPair(skew);
    });
    after(() => nodes.pair.stop());

    it(`a code that comes to ${second} after ${first} ends what it brought`, async () => {
      const { request, code } = await nodes.authorize();
      const { status, body } = await nodes.party.redeem(request, code, nodes.at(first));
      expect(status).to.equal(200);
      // Longer than a measurement can be wrong.
      for (let i = 0; i < 10; i += 1) await (await fetch(`${nodes.at(second)}/health/live`)).text();
      expect((await nodes.party.redeem(request, code, nodes.at(second))).status).to.equal(400);
      const refresh_token = String(body.refresh_token);
      const next = await nodes.party.token(
        { grant_type: 'refresh_token', refresh_token },
        nodes.at(first),
      );
      expect(next.body.error).to.equal('invalid_grant');
    });
  });
}
