// A first-party application that signs people in over JSON.

import type { Gatehouse } from './gatehouse.ts';
import { type Answer, createRelyingParty } from './relying-party.ts';

export interface Application {
  readonly id: string;
  readonly secret: string | undefined;
  /** `POST /v1/auth/…`, authenticated by Basic where there is a secret. */
  post(path: string, body: unknown, options?: PostOptions): Promise<Answer>;
}

export interface PostOptions {
  /** Instead of the application's own; `undefined` leaves it out. */
  readonly authorization?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** The process that is asked; the issuer's own when unset. */
  readonly at?: string;
}

const DEFAULTS = { first_party: true, grant_types: ['authorization_code', 'refresh_token'] };
export const PUBLIC = { token_endpoint_auth_method: 'none', direct_sign_in: true };

export async function createApplication(
  gatehouse: Pick<Gatehouse, 'core' | 'url'>,
  metadata: Record<string, unknown> = {},
): Promise<Application> {
  const { id, secret } = await createRelyingParty(gatehouse, {
    metadata: { ...DEFAULTS, ...metadata },
  });
  return application(gatehouse.url, id, secret);
}

export function application(url: string, id: string, secret: string | undefined): Application {
  const own = secret && `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  return {
    id,
    secret,
    post: async (path, body, options = {}) => {
      const authorization = 'authorization' in options ? options.authorization : own;
      const response = await fetch(`${options.at ?? url}/v1/auth/${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization ? { authorization } : {}),
          ...options.headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      const text = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        body: text.startsWith('{') ? JSON.parse(text) : { text },
      };
    },
  };
}
