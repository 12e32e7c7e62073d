// Limits requests that wait for a person: how many per address range, and how large.
import type { Context } from 'koa';
import type { AdapterPayload } from 'oidc-provider';
import type { Audit } from '../domain/audit/audit.ts';
import { auditLimitRefused } from '../domain/audit/locks.ts';
import type { Limits, OpenRequest } from '../domain/limits/limits.ts';
import { now } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import { currentRequest } from '../lib/request-context.ts';
import type { FoundArtifact } from '../store/artifacts.ts';
import { PUSHED } from './artifacts.ts';
import type { Ctx, CurrentContext } from './types.ts';
import { type Item, type Work, workOf } from './work.ts';

export interface OpenRequestNeeds {
  readonly limits: Pick<Limits, 'openRequest'>;
  readonly audit: Audit;
  /** The row of a browser in which anybody has signed in before. */
  readonly knownBrowserOf: (ctx: Context) => Promise<string | undefined>;
}

export type CountOpenRequest = (ctx: Ctx, work: Work, put: Put) => void;

/** Writes the request, with the key of the counter that includes it. */
type Put = (countedKey: string) => Item;

/**
 * Counts a request in the unit that writes it. If its range has too many, a browser in which
 * somebody has signed in before gets its own budget; any other is refused.
 */
export function createCountOpenRequest(needs: OpenRequestNeeds): CountOpenRequest {
  return (ctx, work, put) => {
    const { address = 'unknown' } = currentRequest();
    const ofRange = needs.limits.openRequest({ range: address });
    const request = put(ofRange.key);
    const inBrowsersName: Otherwise = async (again) => {
      const browser = await needs.knownBrowserOf(ctx);
      if (browser === undefined) return refuse(ctx, ofRange, needs);
      const ofBrowser = needs.limits.openRequest({ browser });
      const counts = itemsOf(ofBrowser, () => refuse(ctx, ofBrowser, needs));
      replace(again.items, [request], [put(ofBrowser.key)]);
      replace(again.counts, inRange, counts);
    };
    const inRange = itemsOf(ofRange, inBrowsersName);
    work.items.push(request);
    work.counts.push(...inRange);
  };
}

type Otherwise = (again: Work) => Promise<void>;

function itemsOf({ count }: OpenRequest, otherwise: Otherwise): Item[] {
  const conflict = { kind: 'crowded', otherwise } as const;
  return count.map((statement) => ({ statement, conflict, revokes: false }));
}

function replace(items: Item[], before: readonly Item[], after: readonly Item[]): void {
  const [first] = before;
  if (first) items.splice(items.indexOf(first), before.length, ...after);
}

async function refuse(
  ctx: Ctx,
  { findEnd }: OpenRequest,
  { audit }: OpenRequestNeeds,
): Promise<never> {
  const retryAt = (await findEnd()) ?? now();
  const clientId = ctx.oidc.client?.clientId;
  const lock = { rule: 'open-requests', retryAt } as const;
  await auditLimitRefused(audit, lock, { method: String(ctx.oidc.route), clientId });
  const retryAfter = Math.max(1, Math.ceil((retryAt - now()) / 1000));
  throw new GatehouseError('too_many_open_requests', { retryAfter });
}

export interface WaitingNeeds {
  readonly current: CurrentContext;
  readonly limits: Pick<Limits, 'closeRequest'>;
  readonly countOpenRequest: CountOpenRequest;
}

/** What the adapter of a model does if its rows wait for a person. */
export function createWaiting(model: string, needs: WaitingNeeds) {
  const { current, limits, countOpenRequest } = needs;
  const nameOf = (id: string) => `${model} ${id}`;
  return {
    /**
     * Throws `authorization_request_too_large`.
     * @returns false if the request doesn't count, so the caller writes it
     */
    begins: (payload: AdapterPayload, put: Put): boolean => {
      if (!WAITING.has(model)) return false;
      assertSmall(model, payload);
      const ctx = current();
      const work = workOf(ctx);
      if (!ctx || !work || !opensRequest(model, ctx)) return false;
      countOpenRequest(ctx, work, put);
      return true;
    },
    note: (id: string, found: Pick<FoundArtifact, 'counted'> | undefined): void => {
      if (found?.counted) workOf(current())?.counted.set(nameOf(id), found.counted);
    },
    /** The request no longer waits. */
    close: (id: string): void => {
      const work = workOf(current());
      const counted = work?.counted.get(nameOf(id));
      if (!work || !counted) return;
      const statement = limits.closeRequest(counted.key, counted.at);
      work.counts.push({ statement, conflict: undefined, revokes: false });
    },
  };
}

const WAITING: ReadonlySet<string> = new Set(['Interaction', PUSHED, 'DeviceCode']);

/** Maximum bytes of a request, as it was sent. */
export const LARGEST_REQUEST = 8 * 1024;
/** Maximum bytes as stored, where some characters take more than in the request. */
const LARGEST_KEPT = LARGEST_REQUEST + 1024;
/** A pushed request is stored in base64url. */
const LARGEST_PUSHED = Math.ceil((LARGEST_KEPT * 4) / 3);

function assertSmall(model: string, { params, request }: AdapterPayload): void {
  const isPushed = model === PUSHED;
  const size = isPushed ? String(request).length : Buffer.byteLength(JSON.stringify(params ?? {}));
  if (size <= (isPushed ? LARGEST_PUSHED : LARGEST_KEPT)) return;
  throw new GatehouseError('authorization_request_too_large');
}

/**
 * Whether this write starts a wait for a person. What follows a finished sign-in, such as the
 * question for consent, doesn't; neither does a request from an authenticated client.
 */
function opensRequest(model: string, { oidc }: Ctx): boolean {
  if (model === 'Interaction') return BEGINNINGS.has(oidc.route);
  return PLACES[model] === oidc.route && oidc.client?.clientAuthMethod === 'none';
}

const BEGINNINGS = new Set(['authorization', 'code_verification']);
const PLACES: Readonly<Record<string, string>> = {
  PushedAuthorizationRequest: 'pushed_authorization_request',
  DeviceCode: 'device_authorization',
};
