// Stores grants, codes, tokens and requests: each is spent by one conditional write.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { ArtifactTable, FoundArtifact } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import { artifactKey, grantKey, toArtifact, toPayload } from './artifacts.ts';
import type { LookUpUserCode } from './client-attempts.ts';
import { createWaiting, type WaitingNeeds } from './open-requests.ts';
import { isDoubleSubmit, isReuse, REFRESH } from './second-use.ts';
import { type CurrentContext, loginIn } from './types.ts';
import { type Conflict, type Item, oauthError, type Source, workOf } from './work.ts';

export interface ArtifactNeeds extends WaitingNeeds {
  readonly config: Pick<Config, 'refresh'>;
  readonly store: Store;
  readonly artifactTable: ArtifactTable;
  readonly vault: Vault;
  readonly lookUpUserCode: LookUpUserCode;
}

const SPENT: Record<string, Conflict> = {
  AuthorizationCode: oauthError('invalid_grant', 'grant request is invalid'),
  RefreshToken: oauthError('invalid_grant', 'grant request is invalid'),
  DeviceCode: oauthError('invalid_grant', 'grant request is invalid'),
  PushedAuthorizationRequest: oauthError(
    'invalid_request_uri',
    'request_uri is invalid, expired, or was already used',
  ),
};

/** When two people allow one device code at the same time, it belongs to the first. */
const TAKEN = oauthError('invalid_request', 'another person has just answered for this device');

export function artifactAdapter(model: string, needs: ArtifactNeeds): Adapter {
  const { artifactTable, vault, current } = needs;
  const key = (value: string) => artifactKey(vault, model, value);
  const write = writer(needs);
  const revoke = (statement: Statement) => write(statement, undefined, true);
  const waiting = createWaiting(model, needs);
  const interval = needs.config.refresh.reuse_interval * 1000;

  const answer = (found: FoundArtifact | undefined, own: AdapterPayload) => {
    const work = workOf(current());
    waiting.note(String(own.jti), found);
    if (work && found && model in SPENT) work.source = found.payload;
    if (!found || isDoubleSubmit(model, found, current())) return undefined;
    if (!work || !isReuse(model, found, current(), interval)) return toPayload(found, own, vault);
    work.isReused = true;
    return toPayload({ ...found, consumedAt: undefined }, own, vault);
  };

  return {
    upsert: async (id, payload, expiresIn) => {
      const work = workOf(current());
      const issues = isIssued(model, payload);
      if (work && issues) work.issues = true;
      const generation = payload.accountId ? inherited(payload, current) : undefined;
      const made = toArtifact({ model, id, payload, generation, expiresIn }, vault);
      const traced = { ...made.payload, ...(issues ? flowOf(current) : {}) };
      const artifact = { ...made, payload: traced };
      const put = (countedKey?: string): Item => {
        const statement = artifactTable.put({ ...artifact, countedKey }, now());
        return { statement, conflict: TAKEN, revokes: false };
      };
      if (!waiting.begins(payload, put)) await write(put().statement, TAKEN);
    },
    find: async (id) => answer(await artifactTable.find(model, key(id)), { jti: id }),
    findByUserCode: async (userCode) => {
      const find = () => artifactTable.findByUserCode(model, key(userCode));
      return answer(await needs.lookUpUserCode(find), { userCode });
    },
    findByUid: async () => undefined,
    consume: (id) => {
      waiting.close(id);
      const at = now();
      const spend =
        model === REFRESH
          ? artifactTable.consumeSince(model, key(id), at, at - interval)
          : artifactTable.consume(model, key(id), at);
      return write(spend, SPENT[model]);
    },
    destroy: (id) => revoke(artifactTable.delete(model, key(id))),
    revokeByGrantId: (grantId) =>
      revoke(artifactTable.deleteByGrant(model, grantKey(vault, grantId))),
  };
}

export type Write = (statement: Statement, conflict?: Conflict, revokes?: boolean) => Promise<void>;

/** Adds to the unit of the request that is being answered; without one, writes immediately. */
export function writer({ store, current }: Pick<ArtifactNeeds, 'store' | 'current'>): Write {
  return async (statement, conflict, revokes = false) => {
    const work = workOf(current());
    if (work) work.items.push({ statement, conflict, revokes });
    else await store.write(statement);
  };
}

/**
 * The generation comes from the Grant, and the Grant's comes from the session. The account's would
 * make what an old sign-in brings look new.
 */
function inherited(payload: AdapterPayload, current: CurrentContext): number {
  const generation = payload.generation ?? current()?.oidc.entities.Grant?.generation;
  if (generation === undefined) throw new Error(`${payload.kind} without a generation`);
  return generation;
}

/** The sign-in that has just ended, so that what a code brings can be traced back to it. */
export function flowOf(current: CurrentContext): Pick<Source, 'flow'> {
  const flow = loginIn(current()?.oidc.entities.Interaction?.result)?.flow;
  return flow === undefined ? {} : { flow };
}

function isIssued(model: string, payload: AdapterPayload): boolean {
  return model === 'AuthorizationCode' || (model === 'DeviceCode' && Boolean(payload.accountId));
}
