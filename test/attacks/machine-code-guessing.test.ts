// Codes of a service account: whoever has its key guesses ten times, whoever has not moves nothing.
import { expect } from 'chai';
import { generateSync } from 'otplib';
import { untilTold } from '../support/audit.ts';
import {
  assertionOf,
  createMachine,
  JWT_BEARER,
  type Machine,
  present,
  WITH_RESOURCES,
} from '../support/machine.ts';
import { type Pair, startPair } from '../support/pair.ts';
import { onBothStores } from '../support/stores.ts';

const LIMIT = 10;
const AT_ONCE = 60;

onBothStores('guessing the code of a service account', (store) => {
  let pair: Pair;
  before(async () => {
    pair = await startPair(store, WITH_RESOURCES);
  });
  after(() => pair.stop());

  const urlOf = (index: number) => pair.processes[index % 2]?.url ?? '';
  const rightCode = ({ secret = '' }: Machine) =>
    generateSync({ secret, epoch: Math.floor(Date.now() / 1000) });

  /** At either door of either process. */
  const guess = async (index: number, assertion: string, mfa_code: string): Promise<number> => {
    if (index % 3 !== 0) {
      return (await present(urlOf(index), assertion, { fields: { mfa_code } })).status;
    }
    const answer = await fetch(`${urlOf(index)}/v1/auth/service-account/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: JWT_BEARER, assertion, mfa_code }),
    });
    return answer.status;
  };

  it(`${AT_ONCE} at once over both doors of two processes: ${LIMIT} are looked at`, async () => {
    const machine = await createMachine(pair, { totp: true });
    const right = rightCode(machine);
    const wrong = (index: number) => {
      const code = String(100_000 + index);
      return code === right ? '999999' : code;
    };
    const statuses = await Promise.all(
      Array.from({ length: AT_ONCE }, (_, index) =>
        guess(index, assertionOf(machine, pair.url), wrong(index)),
      ),
    );
    expect(new Set(statuses)).to.deep.equal(new Set([400]));
    const filter = { accountId: machine.id, kind: 'service_account.token' } as const;
    const rows = await untilTold(pair, filter, AT_ONCE);
    const reasons = rows.map(({ reason }) => reason);
    const limited = reasons.filter((reason) => reason === 'attempt refused by a limit');
    expect([reasons.length, limited.length]).to.deep.equal([AT_ONCE, AT_ONCE - LIMIT]);
    expect(await guess(1, assertionOf(machine, pair.url), rightCode(machine))).to.equal(400);
  });

  it('without the key nobody shuts out who has it', async () => {
    const machine = await createMachine(pair, { totp: true });
    const stranger = await createMachine(pair);
    for (const kid of [machine.kid, stranger.kid]) {
      const posing = { ...stranger, id: machine.id, kid };
      const statuses = await Promise.all(
        Array.from({ length: 2 * LIMIT }, (_, index) =>
          guess(index, assertionOf(posing, pair.url), '000000'),
        ),
      );
      expect(new Set(statuses)).to.deep.equal(new Set([400]));
    }
    expect(await pair.core.limits.findClosed({ id: machine.id })).to.deep.equal([]);
    const fields = { mfa_code: rightCode(machine) };
    const { status } = await present(pair.url, assertionOf(machine, pair.url), { fields });
    expect(status).to.equal(200);
  });
});
