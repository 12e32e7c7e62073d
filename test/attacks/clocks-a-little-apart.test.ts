// A node whose clock is off by less than a second: a stolen code that comes a second time is seen.
import { join } from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { type Pair, startPair } from '../support/pair.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
} from '../support/relying-party.ts';
import { POSTGRES } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

const SKEW = join(PROJECT_ROOT, 'faults/skew.ts');

for (const [name, skew, first, second] of [
  ['ahead', 900, 1, 0],
  ['behind', -900, 0, 1],
] as const) {
  describe(`a node whose clock is 0.9 s ${name} (PostgreSQL)`, () => {
    let pair: Pair;
    let party: RelyingParty;
    before(async () => {
      const wrong = { NODE_OPTIONS: `--import ${SKEW}`, FAULTS_SKEW: String(skew) };
      pair = await startPair(POSTGRES, { LOG_LEVEL: 'warn' }, undefined, [{}, wrong]);
      party = await createRelyingParty(pair);
    });
    after(() => pair.stop());

    const at = (node: 0 | 1) => pair.processes[node].url;
    const authorize = async () => {
      const person = await createPerson(pair);
      const request = party.url({ scope: 'openid offline_access', prompt: 'consent' });
      const web = createWeb(pair.url);
      const page = await web.submit(await web.get(request.url), '/prove/password', { ...person });
      return { request, code: codeOf(await allowIfAsked(web, page)) };
    };

    it(`a code that comes to ${second} after ${first} ends what it brought`, async () => {
      const { request, code } = await authorize();
      const { status, body } = await party.redeem(request, code, at(first));
      expect(status).to.equal(200);
      // Longer than a measurement can be wrong.
      for (let i = 0; i < 10; i += 1) await (await fetch(`${at(second)}/health/live`)).text();
      expect((await party.redeem(request, code, at(second))).status).to.equal(400);
      const refresh_token = String(body.refresh_token);
      const next = await party.token({ grant_type: 'refresh_token', refresh_token }, at(first));
      expect(next.body.error).to.equal('invalid_grant');
    });
  });
}
