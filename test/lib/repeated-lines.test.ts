// What repeats is written once and counted then.
import { expect } from 'chai';
import { GatehouseError } from '../../src/lib/errors.ts';
import type { Log } from '../../src/lib/log.ts';
import { createRepeatedLines, logFailure, repeatedLines } from '../../src/lib/repeated-lines.ts';

interface Line {
  readonly level: string;
  readonly words: string;
  readonly fields: Record<string, unknown>;
}

function collect() {
  const lines: Line[] = [];
  const at = (level: string) => (fields: Record<string, unknown>, words: string) => {
    lines.push({ level, words, fields });
  };
  const log = { info: at('info'), warn: at('warn'), error: at('error') } as unknown as Log;
  return { lines, log, words: () => lines.map(({ words }) => words) };
}

const NEVER = 2 ** 30;
const times = (count: number, work: () => void) => {
  for (let time = 0; time < count; time += 1) work();
};

describe('lines that repeat', () => {
  it('of a state: one when it begins, a count while it lasts, one when it is over', () => {
    const { lines, log, words } = collect();
    const { state, tick } = createRepeatedLines(log, NEVER);
    const away = () => state('away', () => log.error({}, 'away'));
    times(1000, away);
    expect(words()).to.deep.equal(['away']);
    tick();
    times(500, away);
    tick();
    expect(words()).to.deep.equal(['away', 'still happening', 'still happening']);
    expect(lines.at(-1)?.fields).to.include({ what: 'away', times: 1500 });
    tick();
    expect(words().at(-1)).to.equal('this has ended');
    tick();
    expect(lines, 'and no more').to.have.length(4);
    away();
    expect(words().at(-1), 'a new one begins').to.equal('away');
  });

  it('of events: so many, then how many were left out, and anew after that', () => {
    const { lines, log, words } = collect();
    const { event, tick } = createRepeatedLines(log, NEVER);
    const refused = (what: string) => event(what, () => log.info({}, what), 3);
    times(10, () => refused('a'));
    times(2, () => refused('b'));
    expect(words()).to.deep.equal(['a', 'a', 'a', 'b', 'b']);
    tick();
    expect(lines.slice(5).map(({ fields }) => fields)).to.deep.equal([{ what: 'a', left_out: 7 }]);
    refused('a');
    expect(words().at(-1)).to.equal('a');
  });

  it('stay bounded however many different events there are', () => {
    const { lines, log } = collect();
    const { event } = createRepeatedLines(log, NEVER);
    for (let what = 0; what < 10_000; what += 1) event(`${what}`, () => log.info({}, 'x'), 1);
    expect(lines).to.have.length(5_001);
  });

  it('of a database that does not answer are one state, wherever it is noticed', () => {
    const { lines, log } = collect();
    const cause = new Error('connect ECONNREFUSED');
    for (const where of ['the outbox could not be read', 'a request failed']) {
      times(50, () => logFailure(log, new GatehouseError('store_unavailable', { cause }), where));
    }
    expect(lines).to.have.length(1);
    expect(lines[0]).to.deep.include({ level: 'error', fields: { err: cause } });
    logFailure(log, new Error('something else'), 'the outbox could not be read');
    expect(lines).to.have.length(2);
    repeatedLines(log).tick();
    repeatedLines(log).tick();
  });
});
