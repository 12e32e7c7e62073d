// How what oidc-provider stores becomes a row, and a row what oidc-provider stored.
import type { AdapterPayload } from 'oidc-provider';
import { now } from '../lib/clock.ts';
import type { Vault } from '../lib/vault.ts';
import type { Artifact, FoundArtifact } from '../store/artifacts.ts';

/** The model of pushed authorization requests. */
export const PUSHED = 'PushedAuthorizationRequest';

/** The key that a model's value is found by: the store never contains the value itself. */
export function artifactKey(vault: Vault, model: string, value: string): string {
  return vault.digest(`oidc:${model}`, value);
}

export function grantKey(vault: Vault, grantId: string): string {
  return artifactKey(vault, 'Grant', grantId);
}

export interface NewArtifact {
  readonly model: string;
  /** The value that only its holder knows. */
  readonly id: string;
  readonly payload: AdapterPayload;
  readonly generation: number | undefined;
  /** Seconds, if the payload doesn't say when it expires. */
  readonly expiresIn?: number | undefined;
}

export function toArtifact(
  { model, id, payload, generation, expiresIn }: NewArtifact,
  vault: Vault,
): Artifact {
  const { accountId, clientId, grantId, userCode } = payload;
  return {
    model,
    key: artifactKey(vault, model, id),
    accountId,
    clientId,
    grantKey: grantId ? grantKey(vault, grantId) : undefined,
    userCodeKey: userCode ? artifactKey(vault, model, userCode) : undefined,
    generation,
    payload: toStored(model, payload, vault),
    expiresAt: expiryOf(payload, expiresIn),
  };
}

function expiryOf(payload: AdapterPayload, expiresIn: number | undefined): number {
  if (payload.exp) return payload.exp * 1000;
  return now() + (expiresIn ?? 0) * 1000;
}

export type Stored = Record<string, unknown>;

const OWN_UID = '{uid}';
const SEALED_JTI = 'device-code:jti';
const SEALED_DEVICE_CODE = 'interaction:device-code';

/**
 * The payload without the values that only their holder knows, because the row has their hashes. A
 * device code is sealed instead: it's also found by the code that a person types, and an interaction
 * leads back to it.
 */
export function toStored(model: string, payload: AdapterPayload, vault: Vault): Stored {
  const {
    jti,
    userCode: _userCode,
    generation: _generation,
    browserKey: _browserKey,
    deviceCode,
    session,
    ...rest
  } = payload;
  const { cookie: _cookie, ...sessionRest } = session ?? {};
  return {
    ...rest,
    ...(rest.returnTo ? { returnTo: rest.returnTo.replace(String(jti), OWN_UID) } : {}),
    ...(session ? { session: sessionRest } : {}),
    ...(model === 'DeviceCode' ? { sealedJti: vault.seal(String(jti), SEALED_JTI) } : {}),
    ...(deviceCode ? { sealedDeviceCode: vault.seal(deviceCode, SEALED_DEVICE_CODE) } : {}),
    ...(model === PUSHED ? unpacked(String(payload.request)) : {}),
  };
}

/** @param own the value that it was found by */
export function toPayload(found: FoundArtifact, own: AdapterPayload, vault: Vault): AdapterPayload {
  const { sealedJti, sealedDeviceCode, returnTo, unsigned, ...payload } = found.payload;
  return {
    ...payload,
    ...(isText(returnTo) ? { returnTo: returnTo.replace(OWN_UID, String(own.jti)) } : {}),
    ...(isText(unsigned) ? { request: packed(unsigned) } : {}),
    ...(isText(sealedJti) ? { jti: vault.open(sealedJti, SEALED_JTI) } : {}),
    ...(isText(sealedDeviceCode)
      ? { deviceCode: vault.open(sealedDeviceCode, SEALED_DEVICE_CODE) }
      : {}),
    ...own,
    ...(found.generation === undefined ? {} : { generation: found.generation }),
    ...(found.browserKey === undefined ? {} : { browserKey: found.browserKey }),
    ...(found.consumedAt === undefined ? {} : { consumed: Math.floor(found.consumedAt / 1000) }),
  };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** The head of the unsigned JWT that oidc-provider makes of pushed parameters. */
const UNSIGNED = `${Buffer.from('{"alg":"none"}').toString('base64url')}.`;
const packed = (parameters: string) =>
  `${UNSIGNED}${Buffer.from(parameters).toString('base64url')}.`;

/** Stores pushed parameters as plain text, which is a quarter smaller. Signed requests stay as sent. */
function unpacked(request: string): Stored {
  const unsigned = Buffer.from(request.slice(UNSIGNED.length, -1), 'base64url').toString();
  return packed(unsigned) === request ? { request: undefined, unsigned } : {};
}
