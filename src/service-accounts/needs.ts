// What acts on service accounts are made from, and the row of the audit that each leaves.
import type { Config } from '../config/schema.ts';
import type { Audit } from '../domain/audit/audit.ts';
import type { AuditKind } from '../domain/audit/kinds.ts';
import type { Limits } from '../domain/limits/limits.ts';
import type { Authenticators } from '../factors/index.ts';
import type { ArtifactTable } from '../store/artifacts.ts';
import type { Statement } from '../store/statement.ts';
import type { Store } from '../store/store.ts';
import type { ServiceAccountTable } from './table.ts';

/** Why an operator does it. */
export interface OperatorReason {
  readonly reason?: string | undefined;
  readonly ticket?: string | undefined;
}

export interface ServiceAccountsNeeds {
  readonly config: Pick<Config, 'issuer' | 'resources' | 'attributes' | 'product'>;
  readonly store: Store;
  readonly serviceAccountTable: ServiceAccountTable;
  /** Of service accounts, not of people. */
  readonly authenticators: Authenticators;
  readonly artifactTable: ArtifactTable;
  readonly limits: Limits;
  readonly audit: Audit;
}

type ServiceAccountKind = Extract<AuditKind, `admin.service_account_${string}`>;
type What = ServiceAccountKind extends `admin.service_account_${infer W}` ? W : never;
type Detail = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export function record(
  what: What,
  accountId: string,
  { reason, ticket }: OperatorReason = {},
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
