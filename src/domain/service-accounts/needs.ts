// What acts on service accounts are made from, and the row of the audit that each leaves.
import type { Config } from '../../config/schema.ts';
import type { Artifacts } from '../../store/artifacts.ts';
import type { ServiceAccounts } from '../../store/service-accounts.ts';
import type { Statement } from '../../store/statement.ts';
import type { Store } from '../../store/store.ts';
import type { Audit } from '../audit/audit.ts';
import type { AuditKind } from '../audit/kinds.ts';
import type { AuthenticatorsDomain } from '../authenticators.ts';
import type { Limits } from '../limits/limits.ts';

/** Why an operator does it. */
export interface Cause {
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
}

export interface ServiceAccountsNeeds {
  readonly config: Pick<Config, 'issuer' | 'resources' | 'product'>;
  readonly store: Store;
  readonly accounts: ServiceAccounts;
  /** Of service accounts, not of people. */
  readonly authenticators: AuthenticatorsDomain;
  readonly artifacts: Artifacts;
  readonly limits: Limits;
  readonly audit: Audit;
}

type ServiceAccountKind = Extract<AuditKind, `admin.service_account_${string}`>;
type What = ServiceAccountKind extends `admin.service_account_${infer W}` ? W : never;
type Detail = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export function record(
  what: What,
  accountId: string,
  { reason, ticket }: Cause = {},
  { audit }: ServiceAccountsNeeds,
  detail: Detail = {},
): Statement {
  const why = reason?.trim() ? { reason } : {};
  return audit.record({
    kind: `admin.service_account_${what}`,
    accountId,
    ...why,
    detail: { ...detail, ...(ticket === undefined ? {} : { ticket }) },
  });
}
