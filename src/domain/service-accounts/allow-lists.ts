// What a service account may ask for, and from where: lists that name only what there is.
import type { Config } from '../../config/schema.ts';
import { readRanges } from '../ranges.ts';
import { allResources, OIDC_SCOPES, ownApi } from '../resources.ts';
import { refusal } from './refusals.ts';

export interface AllowLists {
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly addresses: readonly string[];
}

export type Apis = Pick<Config, 'issuer' | 'resources'>;

/** Throws `invalid_input` with the entry that cannot be. */
export function readAllowLists(asked: Partial<AllowLists>, apis: Apis): AllowLists {
  const resources = readResources(asked.resources ?? [], apis);
  return {
    resources,
    scopes: readScopes(asked.scopes ?? [], resources, apis),
    addresses: readRanges(asked.addresses ?? []),
  };
}

const unique = (texts: readonly string[]) => [...new Set(texts)];
const quoted = (texts: readonly string[]) => texts.map((text) => `"${text}"`).join(', ');

function readResources(asked: readonly string[], apis: Apis): readonly string[] {
  const known = allResources(apis).map(({ identifier }) => identifier);
  const unknown = asked.find((each) => !known.includes(each));
  if (unknown !== undefined) {
    throw refusal(`No resource "${unknown}" is configured. There are: ${quoted(known)}.`);
  }
  return asked.length === 0 ? [ownApi(apis)] : unique(asked);
}

function readScopes(asked: readonly string[], resources: readonly string[], apis: Apis) {
  const ofResources = allResources(apis).filter((each) => resources.includes(each.identifier));
  const known = ofResources.flatMap(({ scopes }) => scopes);
  for (const scope of asked) assertScope(scope, known, resources);
  return unique(asked);
}

function assertScope(scope: string, known: readonly string[], resources: readonly string[]) {
  if (OIDC_SCOPES.includes(scope)) {
    throw refusal(`The scope "${scope}" asks about a person, and a service account is none.`);
  }
  if (known.includes(scope)) return;
  const there = known.length === 0 ? 'It has none' : `There are: ${quoted(unique(known))}`;
  throw refusal(`No scope "${scope}" is configured for ${quoted(resources)}. ${there}.`);
}
