// The kinds of events there are, and what each says beyond the columns that all of them have.

export const AUDIT_KINDS = [
  'sign_in.password',
  'sign_in.migration',
  'sign_in.factor',
  'sign_in.finished',
  'sign_in.locked',
  'factor.enrolled',
  'factor.removed',
  'backup_code.used',
  'backup_codes.renewed',
  'device.trusted',
  'device.ended',
  'session.ended',
  'password.changed',
  'password.reset',
  'consent.granted',
  'consent.revoked',
  'token.issued',
  'token.refreshed',
  'token.reuse',
  'service_account.token',
  'client.refused',
  'account.created',
  'account.imported',
  'account.updated',
  'account.suspended',
  'account.activated',
  'account.unlocked',
  'account.addresses_changed',
  'account.deleted',
  'account.sign_in_disowned',
  'admin.reset_2fa',
  'admin.reset_password',
  'admin.deadline_moved',
  'admin.client_created',
  'admin.client_updated',
  'admin.client_secret_rotated',
  'admin.client_secret_revoked',
  'admin.client_disabled',
  'admin.client_enabled',
  'admin.client_deleted',
  'admin.service_account_created',
  'admin.service_account_enabled',
  'admin.service_account_disabled',
  'admin.service_account_deleted',
  'admin.service_account_key_added',
  'admin.service_account_key_revoked',
  'admin.service_account_totp_reset',
  'admin.service_account_updated',
  'admin.service_account_unlocked',
  'admin.key_rotated',
  'admin.key_retired',
  'admin.audit_exported',
] as const;

export type AuditKind = (typeof AUDIT_KINDS)[number];

export function isAuditKind(text: string): text is AuditKind {
  return (AUDIT_KINDS as readonly string[]).includes(text);
}

/** The facts behind a decision of a sign-in: `gatehouse explain` prints them in words. */
export type SignInFacts = {
  /** Name of the method. */
  readonly method?: string;
  /** Whether the password meets the policy in force. Never which rule it fails. */
  readonly policy?: 'met' | 'unmet';
  /** The step that stands between this and the end of the sign-in. */
  readonly due?: string | undefined;
  /** Whether an account without a second factor may still do without: `until …`, `over`. */
  readonly grace?: string | undefined;
  /** What became of the cookie of a trusted device: `ignored: …`. */
  readonly device?: string | undefined;
};

interface KnownDetails {
  'sign_in.password': SignInFacts;
  'sign_in.factor': SignInFacts;
  /** How many rules a refused candidate did not meet. Never which ones, and never the candidate. */
  'sign_in.migration': SignInFacts & { readonly unmet?: number };
  'sign_in.finished': {
    readonly acr?: string;
    readonly amr?: readonly string[];
    /** Asked for, where that could not be reached. */
    readonly wanted?: string;
  };
  'sign_in.locked': {
    readonly rule: string;
    readonly method: string;
    /** ISO; missing: time alone does not open it. */
    readonly until?: string | undefined;
  };
  'session.ended': {
    readonly session?: string | undefined;
    /** Where several ended with one act: how many, and the first of them. */
    readonly count?: number;
    readonly sessions?: readonly string[];
  };
  'consent.granted': { readonly scopes: readonly string[]; readonly resources: readonly string[] };
  'token.issued': TokenDetail;
  'token.refreshed': TokenDetail;
  'token.reuse': { readonly grant: string };
  /** Of the library: `token`, `introspection`, `authorization`, … */
  'client.refused': {
    readonly endpoint: string | undefined;
    /** Why its keys could not be loaded. */
    readonly cause?: string;
  };
  /** Names of metadata. Never their values. */
  'admin.client_updated': { readonly changed: readonly string[] };
  'service_account.token': {
    readonly kid?: string | undefined;
    readonly scope?: string | undefined;
    readonly resource?: string;
    /** Of the key that the token is bound to. */
    readonly jkt?: string | undefined;
  };
}

type TokenDetail = {
  readonly grant: string;
  readonly scope?: string | undefined;
  readonly resource?: string | undefined;
};

type Plain = string | number | boolean | null | undefined | readonly string[];

export type AuditDetail<K extends AuditKind> = K extends keyof KnownDetails
  ? KnownDetails[K]
  : Readonly<Record<string, Plain>>;
