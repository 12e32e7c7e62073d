// Whether an assertion is what it says: the signature of a key of its account, fresh, and for us.
import { compactVerify, importJWK, type JWK } from 'jose';
import { isAllowedAddress } from '../lib/addresses.ts';
import { now, nowSeconds } from '../lib/clock.ts';
import { type Claims, findClaimsFlaw, isServiceAccountId } from './assertion-claims.ts';
import { type Assertion, type Refused, readAssertion, refused } from './assertion-form.ts';
import { createDecoys } from './decoys.ts';
import type { ServiceAccount, ServiceAccountKey, ServiceAccountTable } from './table.ts';

export type VerifiedAssertion = {
  readonly kind: 'verified';
  readonly account: ServiceAccount;
  readonly kid: string;
} & Pick<Claims, 'jti' | 'exp'>;

/** What is known of who sent it: `accountId` only where there is such an account. */
export type RefusedAssertion = Refused & {
  readonly accountId?: string | undefined;
  readonly kid?: string | undefined;
};

export interface Assertions {
  /** @param address the client's network address */
  verify(text: string, address: string | undefined): Promise<VerifiedAssertion | RefusedAssertion>;
}

export interface AssertionNeeds {
  /** What `aud` may be, to the letter. */
  readonly audiences: readonly string[];
  readonly serviceAccountTable: Pick<ServiceAccountTable, 'find' | 'findKey'>;
}

export function createAssertions(needs: AssertionNeeds): Assertions {
  const decoyOf = createDecoys();
  return {
    verify: async (text, address) => {
      const read = readAssertion(text);
      if (read.kind === 'refused') return read;
      const { iss } = read.claims;
      const known = { kid: read.kid };
      if (iss === undefined) return { ...refused('no iss'), ...known };
      if (!isServiceAccountId(iss)) return { ...refused("iss isn't a service account"), ...known };
      const found = await look(iss, read, needs.serviceAccountTable, decoyOf);
      const { account } = found;
      const flaw =
        findSignerFlaw(found, read) ??
        findClaimsFlaw(read.claims, needs.audiences, nowSeconds()) ??
        findStateFlaw(found, address);
      if (!account || flaw !== undefined) {
        return { ...refused(flaw ?? 'unknown account'), ...known, accountId: account?.id };
      }
      const { jti, exp } = read.claims as unknown as Claims;
      return { kind: 'verified', account, kid: read.kid, jti, exp };
    },
  };
}

interface Found {
  readonly account: ServiceAccount | undefined;
  readonly key: ServiceAccountKey | undefined;
  readonly isSigned: boolean;
}

/** Two look-ups and one verification, whoever asks. */
async function look(
  id: string,
  { text, alg, kid }: Assertion,
  { find, findKey }: AssertionNeeds['serviceAccountTable'],
  decoyOf: (alg: string) => JWK,
): Promise<Found> {
  const [account, key] = await Promise.all([find(id), findKey(id, kid)]);
  const isFit = key?.alg === alg;
  const isSigned = await isSignedBy(isFit ? key.jwk : decoyOf(alg), alg, text);
  return { account, key, isSigned: isFit && isSigned };
}

async function isSignedBy(jwk: JWK, alg: string, text: string): Promise<boolean> {
  try {
    await compactVerify(text, await importJWK(jwk, alg), { algorithms: [alg] });
    return true;
  } catch {
    return false;
  }
}

function findSignerFlaw({ account, key, isSigned }: Found, { alg }: Assertion) {
  if (!account) return 'unknown account';
  if (!key) return 'unknown key';
  if (key.alg !== alg) return 'the algorithm is not that of the key';
  return isSigned ? undefined : 'wrong signature';
}

function findStateFlaw({ account, key }: Found, address: string | undefined): string | undefined {
  if (account?.status !== 'active') return 'account disabled';
  if (key?.revokedAt !== undefined) return 'key revoked';
  if ((key?.expiresAt ?? Number.POSITIVE_INFINITY) <= now()) return 'key expired';
  return isAllowedAddress(account.addresses, address) ? undefined : 'address not allowed';
}
