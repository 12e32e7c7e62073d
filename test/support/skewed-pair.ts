// Two processes over one PostgreSQL, of which the second one's clock is wrong.
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { type Pair, startPair } from './pair.ts';
import {
  allowIfAsked,
  codeOf,
  createPerson,
  createRelyingParty,
  type RelyingParty,
  type Request_,
} from './relying-party.ts';
import { POSTGRES } from './stores.ts';
import { createWeb } from './web.ts';

export interface SkewedPair {
  readonly pair: Pair;
  readonly party: RelyingParty;
  at(node: 0 | 1): string;
  /** A person at the first process. @returns a code that nobody has redeemed */
  authorize(): Promise<{ readonly request: Request_; readonly code: string }>;
}

/** @param skew milliseconds by which the second process is ahead; below zero: behind */
export async function startSkewedPair(skew: number): Promise<SkewedPair> {
  const file = join(PROJECT_ROOT, 'faults/skew.ts');
  const wrong = { NODE_OPTIONS: `--import ${file}`, FAULTS_SKEW: String(skew) };
  const pair = await startPair(POSTGRES, { LOG_LEVEL: 'warn' }, undefined, [{}, wrong]);
  const party = await createRelyingParty(pair, { metadata: { rotate_refresh_tokens: true } });
  return {
    pair,
    party,
    at: (node) => pair.processes[node].url,
    authorize: async () => {
      const person = await createPerson(pair);
      const request = party.url({ scope: 'openid offline_access', prompt: 'consent' });
      const web = createWeb(pair.url);
      const page = await web.submit(await web.get(request.url), '/prove/password', { ...person });
      return { request, code: codeOf(await allowIfAsked(web, page)) };
    },
  };
}
