// What both servers are given: the same clients, people, resources and costs of a password.
import { randomBytes } from 'node:crypto';

export const STORES = ['sqlite', 'postgres'] as const;
export type StoreName = (typeof STORES)[number];

/** As many people, and as many connections, as ask at once. */
export const AT_ONCE = 16;

export const REDIRECT_URI = 'https://app.example.com/callback';
export const SCOPE = 'openid email';

export const APP = { id: 'bench-app', secret: randomBytes(32).toString('base64url') };
export const MACHINE = { id: 'bench-machine', secret: randomBytes(32).toString('base64url') };

/** In the names of OpenID Connect Dynamic Registration. */
export const CLIENTS = [
  {
    ...APP,
    metadata: {
      client_name: 'Bench',
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
    },
  },
  {
    ...MACHINE,
    metadata: {
      client_name: 'Bench machine',
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
    },
  },
] as const;

export const RESOURCES = [
  { identifier: 'https://opaque.example.com', scopes: ['read'], token_format: 'opaque' },
  jwtResource('RS256'),
  jwtResource('ES256'),
  jwtResource('EdDSA'),
] as const;

export type Resource = (typeof RESOURCES)[number];

function jwtResource<A extends string>(alg: A) {
  const identifier = `https://${alg.toLowerCase()}.example.com`;
  return { identifier, scopes: ['read'], token_format: 'jwt', signing_alg: alg } as const;
}

export interface Person {
  readonly email: string;
  readonly password: string;
}

export const PEOPLE: readonly Person[] = Array.from({ length: AT_ONCE }, (_, index) => ({
  email: `person-${index}@example.com`,
  password: `Tavu7-Ripo3-Keld9-${index}`,
}));

/** argon2id costs in the names of the argon2 package; Gatehouse's own defaults. */
export const HASH_COSTS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
