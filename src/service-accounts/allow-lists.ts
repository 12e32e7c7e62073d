// What a service account may ask for, and from where: lists that name only what there is.
import type { Config, Resource } from '../config/schema.ts';
import { readRanges } from '../domain/accounts/address-ranges.ts';
import { personScopes } from '../domain/attributes/attributes.ts';
import { allResources, ownApi } from '../domain/clients/resources.ts';
import { refusal } from './refusals.ts';

export interface AllowLists {
  readonly scopes: readonly string[];
  readonly resources: readonly string[];
  readonly addresses: readonly string[];
}

export type Apis = Pick<Config, 'issuer' | 'resources' | 'attributes'>;

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
    const why = `No resource "${unknown}" is configured. There are: ${quoted(known)}.`;
    throw refusal(`${why} ${cureBy(unknown, [])}`);
  }
  return asked.length === 0 ? [ownApi(apis)] : unique(asked);
}

function readScopes(asked: readonly string[], resources: readonly string[], apis: Apis) {
  const ofResources = allResources(apis).filter((each) => resources.includes(each.identifier));
  const known = ofResources.flatMap(({ scopes }) => scopes);
  for (const scope of asked) assertForMachines(scope, apis);
  const missing = unique(asked.filter((scope) => !known.includes(scope)));
  if (missing.length > 0) throw refusal(describeMissing(missing, ofResources));
  return unique(asked);
}

function assertForMachines(scope: string, apis: Apis) {
  if (!personScopes(apis).includes(scope)) return;
  throw refusal(`The scope "${scope}" asks about a person, and a service account is none.`);
}

function describeMissing(missing: readonly string[], resources: readonly Resource[]): string {
  const known = unique(resources.flatMap(({ scopes }) => scopes));
  const there = known.length === 0 ? 'It has none' : `There are: ${quoted(known)}`;
  const names = quoted(resources.map(({ identifier }) => identifier));
  const [{ identifier, scopes } = { identifier: '', scopes: [] }] = resources;
  const why = `No scope ${quoted(missing)} is configured for ${names}. ${there}.`;
  return `${why} ${cureBy(identifier, [...scopes, ...missing])}`;
}

/** What operators would have to look up: the key, and what to write there. */
function cureBy(identifier: string, scopes: readonly string[]): string {
  const entry = `{ "identifier": "${identifier}", "scopes": [${quoted(scopes)}] }`;
  return `To have it, put ${entry} into "resources" of the file that GATEHOUSE_CONFIG names, for the server and for this command.`;
}
