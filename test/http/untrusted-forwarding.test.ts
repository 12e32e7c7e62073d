// X-Forwarded-For from a proxy that nobody has configured: said once, remembered, and for free.
import { expect } from 'chai';
import { findForwarding, rememberForwarding } from '../../src/domain/untrusted-forwarding.ts';
import { noteForwarding } from '../../src/http/middleware/forwarding.ts';
import { now, toIso } from '../../src/lib/clock.ts';
import type { Log } from '../../src/lib/log.ts';
import { command } from '../cli/helpers.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { onBothStores } from '../support/stores.ts';

const FORWARDED = { 'x-forwarded-for': '198.51.100.1' };

describe('the word about a proxy that is not trusted', () => {
  let lines: unknown[][];
  let remembered: string[];

  const ask = async (trusted: string[], requests: ReadonlyArray<readonly [string, object]>) => {
    lines = [];
    remembered = [];
    const log = { warn: (...rest: unknown[]) => void lines.push(rest) } as unknown as Log;
    const note = noteForwarding({
      config: { trusted_proxies: trusted },
      log,
      remember: async (peer) => void remembered.push(peer),
    });
    for (const [remoteAddress, headers] of requests) {
      const ctx = { req: { headers, socket: { remoteAddress } } };
      await note(ctx as unknown as Parameters<typeof note>[0], async () => undefined);
    }
  };

  it('is said once, however many requests come from however many addresses', async () => {
    const peers = Array.from({ length: 50 }, (_, index) => `203.0.113.${index}`);
    await ask(
      [],
      peers.map((peer) => [peer, FORWARDED] as const),
    );
    expect(lines).to.have.length(1);
    expect(lines[0]?.[0]).to.deep.equal({ address: '203.0.113.0' });
    expect(lines[0]?.[1]).to.match(
      /^requests arrive with X-Forwarded-For from an address that is not trusted.*TRUSTED_PROXIES/,
    );
    expect(remembered).to.deep.equal(['203.0.113.0']);
  });

  it('is said of Forwarded, and of a proxy beside those that are trusted', async () => {
    await ask(
      ['10.0.0.0/8'],
      [
        ['::ffff:10.0.0.1', FORWARDED],
        ['192.0.2.1', {}],
        ['192.0.2.2', { forwarded: 'for=198.51.100.1' }],
      ],
    );
    expect(remembered).to.deep.equal(['192.0.2.2']);
    expect(lines[0]?.[1]).to.include('with Forwarded');
  });

  it('is not said of proxies that are trusted, nor where nothing is forwarded', async () => {
    await ask(
      ['10.0.0.0/8'],
      [
        ['10.0.0.1', FORWARDED],
        ['203.0.113.1', {}],
      ],
    );
    expect([lines, remembered]).to.deep.equal([[], []]);
  });
});

onBothStores('a proxy that is not trusted', (store) => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store });
  });
  after(() => gatehouse.stop());

  const doctor = async (env: Record<string, string> = {}) => {
    const { database, url } = gatehouse;
    const own = { PORT: new URL(url).port, ...env };
    const { code, stdout } = await command(['doctor', '--json'], { database, env: own });
    expect(code).to.equal(0);
    const all = JSON.parse(stdout) as Array<{ check: string; ok: boolean; warning?: boolean }>;
    return all.find(({ check }) => check === 'proxies') as { says?: string; warning?: boolean };
  };

  it('is what doctor warns of, until it is trusted or has not come for a week', async () => {
    expect(await doctor()).not.to.have.property('warning');
    await fetch(`${gatehouse.url}/account/sign-in`, { headers: FORWARDED });
    const { settingTable } = gatehouse.core;
    while (!(await findForwarding(settingTable, now()))) await fetch(gatehouse.url);
    const found = await doctor();
    expect(found).to.include({ ok: true, warning: true });
    expect(found.says)
      .to.match(/^requests arrive with X-Forwarded-For from an address that is not trusted: /)
      .and.match(/(127\.0\.0\.1|::1), at 20.*TRUSTED_PROXIES \(trusted_proxies\)$/);
    expect(await doctor({ TRUSTED_PROXIES: '127.0.0.1,::1' })).not.to.have.property('warning');
    expect(await findForwarding(settingTable, now() + 8 * 86_400_000)).to.equal(undefined);
  });

  it('is written by one of twenty at once, and once a day', async () => {
    const { settingTable } = gatehouse.core;
    const day = now() + 2 * 86_400_000;
    const peers = Array.from({ length: 20 }, (_, index) => `192.0.2.${index}`);
    await Promise.all(peers.map((peer) => rememberForwarding(settingTable, peer, day)));
    const first = await findForwarding(settingTable, day);
    await rememberForwarding(settingTable, '192.0.2.99', day + 3_600_000);
    expect(await findForwarding(settingTable, day)).to.deep.equal(first);
    await rememberForwarding(settingTable, '192.0.2.99', day + 90_000_000);
    const next = { at: toIso(day + 90_000_000), peer: '192.0.2.99' };
    expect(await findForwarding(settingTable, day)).to.deep.equal(next);
  });
});
