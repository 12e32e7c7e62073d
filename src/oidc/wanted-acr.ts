// How sure of the person an authorization request wants to be.
import { type Wanted, wantedAcr } from '../domain/sessions/assurance.ts';
import type { ClientExtras } from './client-extras.ts';

type Parameters = Readonly<Record<string, unknown>>;

/** @param parameters of the authorization request, which the library has checked */
export function wantedBy(
  { acr_values: values, claims }: Parameters,
  { require_acr: required }: Pick<ClientExtras, 'require_acr'>,
): Wanted {
  return wantedAcr(typeof values === 'string' ? values : undefined, required, essentialAcr(claims));
}

/** The values of an essential claim `acr`; undefined where it is voluntary, or any value will do. */
function essentialAcr(claims: unknown): readonly string[] | undefined {
  if (typeof claims !== 'string') return undefined;
  const { essential, value, values } = JSON.parse(claims)?.id_token?.acr ?? {};
  if (essential !== true || (value === undefined && values === undefined)) return undefined;
  return [value ?? [], values ?? []].flat().map(String);
}
