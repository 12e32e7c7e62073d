// What a door may lead to.
import type { Node } from '../domain/node.ts';
import type { TestClock } from '../domain/test-clock.ts';
import type { Method } from '../methods/index.ts';
import type { Domain } from './domain.ts';
import type { Oidc } from './oidc.ts';
import type { Site } from './site.ts';

export interface Parts {
  readonly node: Node;
  readonly domain: Domain;
  readonly site: Site;
  readonly methods: readonly Method[];
  readonly oidc: Oidc;
  readonly clock: TestClock;
}
