// Factors whose proof is made elsewhere: how the browser leaves, and how it is known when it is back.
import type { Factor } from '../factors/index.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { logFailure } from '../lib/repeated-lines.ts';
import { safeEqual, type Vault } from '../lib/vault.ts';
import { SIGN_IN_PATH } from '../web/paths.ts';
import { type Flow, flowContextOf } from './flow.ts';

export interface Redirects {
  /**
   * Where the browser goes; undefined where the factor fails to say so.
   * @throws `not_found` for a factor that does not redirect
   */
  begin(uid: string, flow: Flow, factor: Factor): Promise<string | undefined>;
  /** The sign-in that a `state` was made for; undefined for what was not made here. */
  uidOf(state: unknown): string | undefined;
  /** Whether it was made for this factor, in this flow. */
  isFor(state: unknown, flow: Flow, factor: Factor): boolean;
}

interface Needs {
  readonly vault: Vault;
  readonly issuer: string;
  readonly log: Log;
}

const PURPOSE = 'redirecting-factor';
const STATE = /^([\w-]{1,64})\.[\w-]{16,}$/;

/** The one address of a factor that its provider sends browsers back to. */
export const callbackPath = (factor: string) => `${SIGN_IN_PATH}/callback/${factor}`;

export function createRedirects({ vault, issuer, log }: Needs): Redirects {
  const stateOf = (uid: string, flow: Flow, { name }: Factor) =>
    `${uid}.${vault.digest(PURPOSE, `${name} ${uid} ${flowContextOf(flow)}`)}`;
  const uidOf = (state: unknown) =>
    typeof state === 'string' ? STATE.exec(state)?.[1] : undefined;
  return {
    begin: async (uid, flow, factor) => {
      if (!factor.redirect) throw new GatehouseError('not_found');
      const request = {
        state: stateOf(uid, flow, factor),
        returnTo: `${issuer}${callbackPath(factor.name)}`,
        context: flowContextOf(flow),
      };
      try {
        return await factor.redirect.begin(request);
      } catch (error) {
        logFailure(log, error, 'a redirecting factor failed to begin');
        return undefined;
      }
    },
    uidOf,
    isFor: (state, flow, factor) => {
      const uid = uidOf(state);
      return uid !== undefined && safeEqual(stateOf(uid, flow, factor), String(state));
    },
  };
}
