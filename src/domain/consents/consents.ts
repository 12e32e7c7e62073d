// What a person has allowed a client, and what a request still lacks.
import { now } from '../../lib/clock.ts';
import type { Consent, ConsentTable as ConsentStore, Granted } from '../../store/consents.ts';
import type { Unit } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';

export type { Granted };

export const NOTHING: Granted = { scopes: [], claims: [], resources: {} };

export interface Consents {
  find(accountId: string, clientId: string): Promise<Granted | undefined>;
  /**
   * Adds to what was allowed before; two at once lose nothing.
   * @param only if these statements hit, in the same unit
   */
  add(accountId: string, clientId: string, granted: Granted, only?: Unit): Promise<void>;
}

export function createConsents(store: Store, consentTable: ConsentStore, audit: Audit): Consents {
  const add: Consents['add'] = async (accountId, clientId, more, only = []) => {
    const was: Consent | undefined = await consentTable.find(accountId, clientId);
    const granted = union(was?.granted ?? NOTHING, more);
    const row = consentTable.put({ accountId, clientId, granted, was: was?.revision, at: now() });
    const detail = { scopes: more.scopes, resources: Object.keys(more.resources) };
    const recorded = audit.record({ kind: 'consent.granted', accountId, clientId, detail });
    const outcome = await store.commit([...only, row, recorded]);
    if (outcome.kind === 'committed' || outcome.at < only.length) return;
    // Somebody else was faster: add to what stands now.
    await add(accountId, clientId, more, only);
  };
  return {
    find: async (accountId, clientId) => (await consentTable.find(accountId, clientId))?.granted,
    add,
  };
}

export function union(a: Granted, b: Granted): Granted {
  const identifiers = new Set([...Object.keys(a.resources), ...Object.keys(b.resources)]);
  const resources = [...identifiers].map((identifier): [string, string[]] => [
    identifier,
    merge(a.resources[identifier], b.resources[identifier]),
  ]);
  return {
    scopes: merge(a.scopes, b.scopes),
    claims: merge(a.claims, b.claims),
    resources: Object.fromEntries(resources),
  };
}

function merge(a: readonly string[] = [], b: readonly string[] = []): string[] {
  return [...new Set([...a, ...b])];
}
