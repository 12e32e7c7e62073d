// How sure we are who somebody is: acr, amr and auth_time, computed from proofs and nothing else.

export const ACR = {
  password: 'urn:gatehouse:acr:password',
  rememberedDevice: 'urn:gatehouse:acr:remembered-device',
  mfa: 'urn:gatehouse:acr:mfa',
} as const;

export type Acr = (typeof ACR)[keyof typeof ACR];

/** Weakest first. */
export const ACR_VALUES: readonly Acr[] = [ACR.password, ACR.rememberedDevice, ACR.mfa];

export type ProofKind = 'knowledge' | 'possession';
/** `both`: a passkey that asked for a PIN or a fingerprint. */
export type Proves = ProofKind | 'both';

/** Recorded where a credential was consumed. */
export interface Proof {
  readonly method: string;
  readonly factor: Proves;
  readonly amr: readonly string[];
  /** Milliseconds. */
  readonly at: number;
}

export interface Assurance {
  readonly acr: Acr;
  readonly amr: readonly string[];
  /** Milliseconds; when the newest proof was given. */
  readonly authTime: number;
}

/** @param isRemembered a trusted device stands in for the second factor */
export function assuranceOf(proofs: readonly Proof[], isRemembered = false): Assurance {
  const mfa = isProved(proofs, 'knowledge') && isProved(proofs, 'possession');
  const amr = new Set([...proofs.flatMap((proof) => proof.amr), ...(mfa ? ['mfa'] : [])]);
  return {
    acr: mfa ? ACR.mfa : isRemembered ? ACR.rememberedDevice : ACR.password,
    amr: [...amr],
    authTime: Math.max(...proofs.map((proof) => proof.at)),
  };
}

export function isProved(proofs: ReadonlyArray<Pick<Proof, 'factor'>>, kind: ProofKind): boolean {
  return proofs.some(({ factor }) => factor === kind || factor === 'both');
}

export function isAtLeast(acr: string | undefined, wanted: Acr): boolean {
  return ACR_VALUES.indexOf(acr as Acr) >= ACR_VALUES.indexOf(wanted);
}

/** `unreachable`: what must be reached isn't one of our values. */
export type Wanted =
  | { readonly kind: 'anything' }
  | { readonly kind: 'at-least'; readonly acr: Acr }
  | { readonly kind: 'unreachable' };

/**
 * What a request asks for: the weakest known value of `acr_values`, never less than the client
 * itself requires. Unknown values are skipped, and only unknown ones count as none (OpenID Connect
 * Core 1.0, 3.1.2.1: the claim is voluntary).
 * @param essential values of an essential claim `acr` (5.5.1.1), of which one must be reached
 */
export function wantedAcr(
  acrValues: string | undefined,
  clientRequires?: string,
  essential?: readonly string[],
): Wanted {
  const asked = acrValues?.split(' ').filter(Boolean) ?? [];
  const known = ACR_VALUES.filter((acr) => asked.includes(acr));
  const required = ACR_VALUES.filter((acr) => acr === clientRequires);
  const demanded = ACR_VALUES.filter((acr) => essential?.includes(acr));
  if (clientRequires !== undefined && required.length === 0) return { kind: 'unreachable' };
  if (essential !== undefined && demanded.length === 0) return { kind: 'unreachable' };
  const floors = [...known.slice(0, 1), ...required, ...demanded.slice(0, 1)];
  const strongest = ACR_VALUES.findLast((acr) => floors.includes(acr));
  return strongest ? { kind: 'at-least', acr: strongest } : { kind: 'anything' };
}
