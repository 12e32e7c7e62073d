// Stores authorization requests that wait for a person: each belongs to the browser that started it.
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { Config } from '../config/schema.ts';
import { now } from '../lib/clock.ts';
import type { FoundArtifact } from '../store/artifacts.ts';
import {
  type ArtifactNeeds,
  artifactAdapter,
  flowOf,
  type Write,
  writer,
} from './artifact-adapter.ts';
import { artifactKey, PUSHED, toArtifact, toPayload, toStored } from './artifacts.ts';
import { noteBindingRejection } from './binding-rejection.ts';
import type { BoundRow, BrowserBinding } from './browser-binding.ts';
import { createWaiting } from './open-requests.ts';
import type { Ctx } from './types.ts';
import { type Item, oauthError } from './work.ts';

export interface InteractionAdapterNeeds extends ArtifactNeeds {
  readonly config: Pick<Config, 'ttl' | 'sign_in' | 'refresh'>;
  readonly browserBinding: BrowserBinding;
}

const MODEL = 'Interaction';

/** oidc-provider deletes an interaction as it resumes it, so a second resume finds none. */
const RESUMED = oauthError('session_not_found', 'the authorization request was answered already');

/** Milliseconds. */
const KEPT_LONGER = 60_000;

export function interactionAdapter(needs: InteractionAdapterNeeds): Adapter {
  const { artifactTable, vault, current, browserBinding } = needs;
  const key = (id: string) => artifactKey(vault, MODEL, id);
  const write = writer(needs);
  const waiting = createWaiting(MODEL, needs);

  const begin = async (id: string, payload: AdapterPayload, expiresIn?: number) => {
    const ctx = current();
    if (!ctx) throw new Error('no browser has started the sign-in');
    const artifact = toBoundArtifact({ id, payload, expiresIn }, ctx, needs);
    const put = (countedKey?: string): Item => {
      const statement = artifactTable.put({ ...artifact, countedKey }, now());
      return { statement, conflict: undefined, revokes: false };
    };
    if (!waiting.begins(payload, put)) await write(put().statement);
    if (payload.parJti) await keepPushed(String(payload.parJti), write, needs);
    await write(artifactTable.giveUpOldest(artifact, needs.config.sign_in.open_per_browser, now()));
  };

  return {
    ...artifactAdapter(MODEL, needs),
    // oidc-provider saves it again as it resumes it, and by then another person may have signed in.
    upsert: (id, payload, expiresIn) =>
      payload.browserKey === undefined
        ? begin(id, payload, expiresIn)
        : write(
            artifactTable.replacePayload(MODEL, key(id), toStored(MODEL, payload, vault)),
            RESUMED,
          ),
    find: async (id) => {
      const found = await artifactTable.find(MODEL, key(id));
      waiting.note(id, found);
      if (!found) return undefined;
      const ctx = current();
      // Our own pages check the binding themselves.
      const binding = ctx ? browserBinding.check(ctx, boundRow(found)) : 'own';
      if (binding === 'own') return toPayload(found, { jti: id }, vault);
      if (ctx) noteBindingRejection(ctx, binding, found.payload.params);
      return undefined;
    },
    destroy: (id) => {
      // A request that ended without a sign-in, such as a cancelled one, still counts as open.
      if (flowOf(current).flow !== undefined) waiting.close(id);
      return write(artifactTable.take(MODEL, key(id)), RESUMED);
    },
  };
}

interface NewInteraction {
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly expiresIn: number | undefined;
}

function toBoundArtifact(
  { id, payload, expiresIn }: NewInteraction,
  ctx: Ctx,
  { browserBinding, vault }: InteractionAdapterNeeds,
) {
  const { key: browserKey, isUnsettled } = browserBinding.begin(ctx);
  const begun = isUnsettled ? { ...payload, newBrowser: true } : payload;
  const made = { model: MODEL, id, payload: begun, generation: undefined, expiresIn };
  return { ...toArtifact(made, vault), browserKey };
}

/**
 * Keeps a pushed request until it's spent, at the end of the sign-in and consent that it started. If
 * it expired earlier, the loser of a race couldn't be told from the winner.
 */
function keepPushed(
  id: string,
  write: Write,
  { artifactTable, vault, config }: InteractionAdapterNeeds,
): Promise<void> {
  const until = now() + config.ttl.interaction * 1000 + KEPT_LONGER;
  return write(artifactTable.keepUntil(PUSHED, artifactKey(vault, PUSHED, id), until));
}

function boundRow({ browserKey, consumedAt }: FoundArtifact): BoundRow {
  return { browserKey, isGivenUp: consumedAt !== undefined };
}
