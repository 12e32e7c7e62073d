// All errors that Gatehouse raises on purpose: a stable code, an HTTP status, a neutral sentence.

const ERRORS = {
  bad_request: [400, 'The request could not be read.'],
  csrf_failed: [403, 'The form did not come from this page or has grown old. Load the page again.'],
  not_found: [404, 'There is no page at this address.'],
  method_not_allowed: [405, 'This address does not take that method.'],
  authorization_request_too_large: [
    400,
    'The authorization request is larger than 8 KB. Send less: for instance a short `state` under which the application keeps the rest.',
  ],
  too_many_open_requests: [
    429,
    'Too many requests from this network wait for somebody to sign in. Try again in a few minutes.',
  ],
  body_too_large: [413, 'The request is larger than 64 KB.'],
  unsupported_media_type: [415, 'This address takes forms only.'],
  internal: [500, 'Something went wrong on our side.'],
  busy: [503, 'Too much is going on at the moment. Try again in a few seconds.'],
  store_unavailable: [503, 'The database does not answer at the moment. Try again shortly.'],
  store_missing: [503, 'There is no database.'],
  store_newer: [503, 'The tables of this database are those of a newer release.'],
  store_conflict: [409, 'Something changed meanwhile. Try again.'],
  flow_expired: [410, 'The sign-in took longer than it may.'],
  cookies_needed: [400, 'The browser did not send the cookie of this sign-in.'],
  invalid_input: [400, 'The input is not valid.'],
  password_unmet: [422, 'The password does not meet the policy.'],
  already_exists: [409, 'That exists already.'],
  unknown_account: [404, 'There is no such account.'],
  unknown_trace: [404, 'There is no such trace.'],
  key_waiting: [409, 'A new signing key is waiting already.'],
  unknown_client: [404, 'There is no such client.'],
  unknown_service_account: [404, 'There is no such service account.'],
  client_disabled: [403, 'The application has been switched off.'],
  account_suspended: [403, 'This account is suspended.'],
  access_denied: [403, 'This person may not use this application.'],
  ip_not_allowed: [403, 'The account cannot be used from this network.'],
  sealed_with_other_key: [
    500,
    'The stored secrets were sealed with another GATEHOUSE_SECRET. Start with that one (outside production it is in DATA_DIR/secret); docs/operations.md says what to do if it is lost.',
  ],
  sealed_value_damaged: [500, 'A stored secret is damaged.'],
} as const satisfies Record<string, readonly [number, string]>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** Replaces the sentence of the table, for the person who asked; never a secret, never a stack. */
  readonly message?: string | undefined;
  readonly cause?: unknown;
  /** Seconds after which another try makes sense. */
  readonly retryAfter?: number;
  /** The methods that the address takes. */
  readonly allow?: readonly string[];
  /** Codes or lines that say more; never a secret. */
  readonly details?: readonly string[];
}

/** `code` is stable and public, `message` may be shown, `cause` is for the log alone. */
export class GatehouseError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfter: number | undefined;
  readonly allow: readonly string[] | undefined;
  readonly details: readonly string[];

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(options.message ?? ERRORS[code][1], { cause: options.cause });
    this.name = 'GatehouseError';
    this.code = code;
    this.status = ERRORS[code][0];
    this.retryAfter = options.retryAfter;
    this.allow = options.allow;
    this.details = options.details ?? [];
  }
}

export function isGatehouseError(error: unknown, code?: ErrorCode): error is GatehouseError {
  return error instanceof GatehouseError && (code === undefined || error.code === code);
}
