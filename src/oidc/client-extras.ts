// Gatehouse's own client metadata, beside the names of OpenID Dynamic Registration.
import { errors } from 'oidc-provider';
import { z } from 'zod';
import { CLIENT_ASSERTION_AUDIENCES } from '../domain/clients/assertion-audience.ts';
import { ACR_VALUES } from '../domain/sessions/assurance.ts';
import { normalRange } from '../lib/addresses.ts';

const CLAIM_NAME = z.string().min(1).max(200);

/** What each may be. All are optional. */
const EXTRAS = {
  first_party: z.boolean(),
  require_pkce: z.boolean(),
  require_acr: z.enum(ACR_VALUES),
  /** Only people with this role may use the application. */
  require_role: z.string().min(1).max(200),
  /** `false`: a trusted device doesn't replace the second factor. */
  trusted_devices: z.boolean(),
  /** A public client that may sign people in without pages. */
  direct_sign_in: z.boolean(),
  /** By default, refresh tokens rotate only for public clients, and only if no key binds them. */
  rotate_refresh_tokens: z.boolean(),
  /** ID tokens contain the sign-in and the subject, and beyond that only what `claims` requests. */
  minimal_id_token: z.boolean(),
  /** The application's name for the claim `roles`. */
  roles_claim: CLAIM_NAME,
  /** The application's name for the claim `groups`. */
  groups_claim: CLAIM_NAME,
  /** Separated by spaces; by default, every scope. */
  allowed_scopes: z.string(),
  /** The only ones it may name. By default: none for a third party, any for a first party. */
  resources: z.array(z.url()),
  client_assertion_audience: z.enum(CLIENT_ASSERTION_AUDIENCES),
  /** The networks that its own calls may come from; by default, any. */
  allowed_addresses: z.array(z.string().refine((text) => normalRange(text) !== undefined)),
  /** Set by Gatehouse: nobody can register it. */
  disabled: z.boolean(),
};

export type ClientExtras = {
  readonly [Name in keyof typeof EXTRAS]?: z.infer<(typeof EXTRAS)[Name]>;
};

const SHAPES: ReadonlyMap<string, z.ZodType> = new Map(Object.entries(EXTRAS));

/** For oidc-provider's `extraClientMetadata`. */
export const EXTRA_CLIENT_METADATA = {
  properties: Object.keys(EXTRAS),
  validator: (_ctx: unknown, name: string, value: unknown): void => {
    if (value === undefined || SHAPES.get(name)?.safeParse(value).success) return;
    throw new errors.InvalidClientMetadata(`${name} has an invalid value`);
  },
};
