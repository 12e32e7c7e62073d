// What a door may lead to.
import type { Node } from '../domain/nodes/node.ts';
import type { TestClock } from '../domain/nodes/test-clock.ts';
import type { Factor } from '../factors/index.ts';
import type { Domain } from './domain.ts';
import type { Oidc } from './oidc.ts';
import type { Site } from './web-kit.ts';

export interface Parts {
  readonly node: Node;
  readonly domain: Domain;
  readonly site: Site;
  readonly factors: readonly Factor[];
  readonly oidc: Oidc;
  readonly clock: TestClock;
}
