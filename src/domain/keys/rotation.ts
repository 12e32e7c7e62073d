// A new signing key for each algorithm, in one unit: all of them are made, or none.
import { type Config, SIGNING_ALGS, type SigningAlg } from '../../config/schema.ts';
import { now, toIso } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';
import type { Vault } from '../../lib/vault.ts';
import type { KeyTimes, SigningKeyTable, StoredKey } from '../../store/signing-keys.ts';
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import { makeKey } from './signing-key.ts';
import type { TimedKey } from './times.ts';

/**
 * `planned`: published first, used when relying parties know it. `now`: as soon as one that looks
 * can find it. `compromised`: at once, and what older keys have signed is void.
 */
export type Urgency = 'planned' | 'now' | 'compromised';

export interface Rotation {
  /** All algorithms when undefined. */
  readonly alg?: SigningAlg | undefined;
  readonly urgency: Urgency;
}

/** @returns the new keys. Throws `key_waiting`, or `store_conflict` if somebody was faster. */
export type Rotate = (rotation: Rotation) => Promise<readonly TimedKey[]>;

export interface KeyNeeds {
  readonly config: Pick<Config, 'keys' | 'ttl'>;
  readonly store: Store;
  readonly signingKeyTable: SigningKeyTable;
  readonly vault: Vault;
  readonly audit: Audit;
}

interface Timing {
  /** Milliseconds that the longest token lives. */
  readonly longest: number;
  readonly timed: (all: readonly KeyTimes[], at?: number) => readonly TimedKey[];
}

/**
 * It may take 5 s until every process publishes a key. Whoever has loaded the keys just before then
 * must be able to load them again when the first token names the new one: libraries refuse to for
 * half a minute.
 */
const FOUND_BY_WHO_LOOKS = 40_000;

export function createRotate(needs: KeyNeeds, { longest, timed }: Timing): Rotate {
  const { store, signingKeyTable, vault } = needs;
  const ahead: Readonly<Record<Urgency, number>> = {
    planned: needs.config.keys.publish_ahead * 1000,
    now: FOUND_BY_WHO_LOOKS,
    compromised: 0,
  };
  return async ({ alg, urgency }) => {
    const at = now();
    const before = timed(await signingKeyTable.list(), at);
    const algs = SIGNING_ALGS.filter((each) => alg === undefined || each === alg);
    if (urgency === 'planned') assertNoneWaits(before, algs);
    const times = { signsFrom: at + ahead[urgency], overlap: longest };
    const made = await Promise.all(
      algs.map((each) => makeKey(each, { ...times, sequence: nextOf(each, before) }, vault)),
    );
    const unit = made.flatMap((key) => replace(key, { before, urgency }, needs));
    if (!(await store.tryCommit(unit))) throw outrun();
    const isMade = ({ kid }: TimedKey) => made.some((key) => key.kid === kid);
    return timed(await signingKeyTable.list()).filter(isMade);
  };
}

function nextOf(alg: SigningAlg, keys: readonly TimedKey[]): number {
  const own = keys.filter((key) => key.alg === alg).map(({ sequence }) => sequence);
  return Math.max(0, ...own) + 1;
}

interface Around {
  readonly before: readonly TimedKey[];
  readonly urgency: Urgency;
}

function replace(key: StoredKey, { before, urgency }: Around, needs: KeyNeeds): Statement[] {
  const { kid, alg, signsFrom } = key;
  const detail = { kid, alg, signs_from: toIso(signsFrom), urgency };
  const rotated = needs.audit.record({ kind: 'admin.key_rotated', detail });
  const void_ = urgency === 'compromised' ? before.filter((each) => each.alg === alg) : [];
  return [
    needs.signingKeyTable.insert(key),
    rotated,
    ...void_.flatMap((each) => takeBack(each, needs)),
  ];
}

function takeBack(
  { kid, alg, state }: TimedKey,
  { signingKeyTable, audit }: KeyNeeds,
): Statement[] {
  const reason = 'compromised';
  const recorded = audit.record({ kind: 'admin.key_retired', reason, detail: { kid, alg } });
  return state === 'retired'
    ? [signingKeyTable.delete(kid)]
    : [signingKeyTable.delete(kid), recorded];
}

function assertNoneWaits(keys: readonly TimedKey[], algs: readonly string[]): void {
  const waiting = keys.find(({ alg, state }) => state === 'waiting' && algs.includes(alg));
  if (!waiting) return;
  const { alg, signsFrom } = waiting;
  const message = `A new ${alg} key is waiting already: it signs from ${toIso(signsFrom)}.`;
  throw new GatehouseError('key_waiting', { message });
}

function outrun(): GatehouseError {
  const message = 'The keys were changed meanwhile; run `keys list`.';
  return new GatehouseError('store_conflict', { message });
}
