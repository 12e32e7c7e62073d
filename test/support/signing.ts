// What is published, and which key signed what.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { decodeProtectedHeader, type JWTPayload } from 'jose';
import { type Gatehouse, WITHOUT_FACTOR } from './gatehouse.ts';
import { createRelyingParty } from './relying-party.ts';
import type { TestDatabase } from './stores.ts';

export const ALGS = ['RS256', 'ES256', 'EdDSA'] as const;
export type Alg = (typeof ALGS)[number];

/** An API for each algorithm. */
const RESOURCES = ALGS.map((alg) => ({
  identifier: resourceFor(alg),
  scopes: ['read'],
  signing_alg: alg,
}));

export function resourceFor(alg: Alg): string {
  return `https://${alg.toLowerCase()}.example.com`;
}

/** For `env`: with those APIs, and whatever else a test wants. */
export function withResources(database: TestDatabase, more: object = {}): Record<string, string> {
  const file = join(database.dataDir, 'resources.json');
  writeFileSync(file, JSON.stringify({ resources: RESOURCES, ...WITHOUT_FACTOR, ...more }));
  return { GATEHOUSE_CONFIG: file };
}

export type Issue = (alg?: Alg, at?: string) => Promise<string>;

/** An application of its own that gets access tokens, each signed with the algorithm it names. */
export async function createIssue(gatehouse: Pick<Gatehouse, 'core' | 'url'>): Promise<Issue> {
  const metadata = {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    resources: RESOURCES.map(({ identifier }) => identifier),
  };
  const party = await createRelyingParty(gatehouse, { metadata });
  return async (alg = 'RS256', at) => {
    const fields = { grant_type: 'client_credentials', resource: resourceFor(alg) };
    const { status, body } = await party.token(fields, at);
    if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
    return String(body.access_token);
  };
}

export function kidOf(token: string): string {
  return decodeProtectedHeader(token).kid ?? '';
}

export interface PublishedKey {
  readonly kid: string;
  readonly alg: string;
}

export async function jwksOf(url: string): Promise<PublishedKey[]> {
  const answer = await fetch(`${url}/jwks`);
  return ((await answer.json()) as { keys: PublishedKey[] }).keys;
}

export async function kidsAt(url: string): Promise<string[]> {
  return (await jwksOf(url)).map(({ kid }) => kid);
}

/** What another process does by itself, a moment later. */
export async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}

/**
 * In seconds. `exp` and `iat` are each read from the clock: where a second begins in between, one
 * is missing.
 */
export function expectLifetime({ exp = 0, iat = 0 }: JWTPayload, seconds: number): void {
  expect(exp - iat).to.be.within(seconds - 1, seconds);
}
