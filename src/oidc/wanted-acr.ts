// The assurance that an authorization request wants.
import { type Wanted, wantedAcr } from '../domain/sessions/assurance.ts';
import type { ClientExtras } from './client-extras.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** @param parameters of the authorization request, validated by oidc-provider */
export function wantedBy(
  { acr_values: values, claims }: Parameters,
  { require_acr: required }: Pick<ClientExtras, 'require_acr'>,
): Wanted {
  return wantedAcr(typeof values === 'string' ? values : undefined, required, essentialAcr(claims));
}

/** The values of an essential claim `acr`; undefined if it's voluntary, or if any value will do. */
function essentialAcr(claims: unknown): readonly string[] | undefined {
  if (typeof claims !== 'string') return undefined;
  const { essential, value, values } = JSON.parse(claims)?.id_token?.acr ?? {};
  if (essential !== true || (value === undefined && values === undefined)) return undefined;
  return [value ?? [], values ?? []].flat().map(String);
}
