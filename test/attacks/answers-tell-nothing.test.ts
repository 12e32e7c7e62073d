// Two hundred wrong guesses of each kind: no answer tells whether there is such an account, or how it
// stands, neither by what it says nor by when.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Config } from '../../src/config/schema.ts';
import { createQueue } from '../../src/domain/passwords/hash-queue.ts';
import type { Hashing } from '../../src/domain/passwords/hashing.ts';
import { type Application, createApplication } from '../support/application.ts';
import { type Gatehouse, startGatehouse, WITHOUT_FACTOR } from '../support/gatehouse.ts';
import { BEHIND_PROXY, freshAddress, guess } from '../support/guesses.ts';
import { rememberHashes } from '../support/hashing.ts';
import { plain } from '../support/plain.ts';
import {
  createPerson,
  createRelyingParty,
  PASSWORD,
  type RelyingParty,
} from '../support/relying-party.ts';
import { SQLITE } from '../support/stores.ts';

const SAMPLES = 200;
/** Fewer failures for each name than slow strangers down. */
const NAMES = 5;
const SIDE_BY_SIDE = 4;
const HASH_TAKES = 40;
const KINDS = ['known', 'unknown', 'locked', 'suspended'] as const;

type Kind = (typeof KINDS)[number];
type Ask = (email: string, password: string, from: { address: string }) => Promise<unknown>;

describe('answers to wrong guesses', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let app: Application;
  const names: Record<Kind, string[]> = { known: [], unknown: [], locked: [], suspended: [] };

  before(async () => {
    const database = await SQLITE.create();
    const file = join(database.dataDir, 'floor.json');
    // As in production: no refusal earlier than this.
    writeFileSync(file, JSON.stringify({ ...WITHOUT_FACTOR, password: { refusal_min_ms: 400 } }));
    gatehouse = await startGatehouse({
      database,
      env: { ...BEHIND_PROXY, GATEHOUSE_CONFIG: file },
      hashing: createSlowHashing,
    });
    party = await createRelyingParty(gatehouse);
    app = await createApplication(gatehouse);
    const { store } = gatehouse.core;
    for (let index = 0; index < NAMES; index += 1) {
      names.unknown.push(`nobody-${index}@example.com`);
      for (const kind of ['known', 'locked', 'suspended'] as const) {
        const { id, email } = await createPerson(gatehouse);
        names[kind].push(email);
        const status = kind === 'known' ? 'active' : kind;
        const row = store.sql('accounts').where({ id }).update({ status });
        await store.write(store.compile(row, 1));
      }
    }
  });
  after(() => gatehouse.stop());

  it('on the page are alike in status, body, headers, and time within noise', async () => {
    await compare(SAMPLES, async (email, password, from) =>
      plain(await guess(party, email, password, from), email),
    );
  }).timeout(180_000);

  it('over JSON are alike in status, body, headers, and time within noise', async () => {
    await gatehouse.advance('25h');
    await compare(SAMPLES / 4, async (email, password, { address }) => {
      const headers = { 'x-forwarded-for': address };
      const answer = await app.post('login', { email, password }, { headers });
      const { trace: _, reset_at: __, ...body } = answer.body;
      return plain({ ...answer, text: JSON.stringify(body) }, email);
    });
  }).timeout(180_000);

  const compare = async (samples: number, ask: Ask) => {
    const times: Record<Kind, number[]> = { known: [], unknown: [], locked: [], suspended: [] };
    const answers = new Set<string>();
    // In turn, so that whatever else this machine does falls on all of them.
    const turns = Array.from({ length: samples }, (_, index) => index);
    const sample = async (kind: Kind, index: number) => {
      const email = names[kind][index % NAMES] ?? '';
      const from = { address: freshAddress() };
      const startedAt = performance.now();
      const answer = await ask(email, `wrong ${index}`, from);
      times[kind].push(performance.now() - startedAt);
      answers.add(JSON.stringify(answer));
    };
    for (let at = 0; at < samples; at += SIDE_BY_SIDE) {
      const round = turns.slice(at, at + SIDE_BY_SIDE);
      const all = round.flatMap((index) => KINDS.map((kind) => ({ kind, index })));
      await Promise.all(shuffled(all).map(({ kind, index }) => sample(kind, index)));
    }
    expect([...answers]).to.have.length(1);
    const medians = KINDS.map((kind) => medianOf(times[kind]));
    expect(Math.max(...medians) / Math.min(...medians), String(medians)).to.be.below(1.1);
  };
});

/** As long as argon2 and as many at once, but idle: other tests run beside this one. */
function createSlowHashing(config: Config): Hashing {
  const { hash } = rememberHashes(config);
  const { queue: inAll, queue_per_range: perRange } = config.hashing;
  const queue = createQueue({ atOnce: 2, inAll, perRange });
  const verify: Hashing['verify'] = async (_, password) => {
    await queue(() => sleep(HASH_TAKES), { range: '', isKnown: false });
    return password === PASSWORD ? 'right' : 'wrong';
  };
  return { hash, verify };
}

/** Whoever comes first is served first: that must be nobody in particular. */
function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}
