// All errors that Gatehouse raises on purpose: a stable code, an HTTP status, a neutral sentence.

const ERRORS = {
  bad_request: [400, 'The request could not be read.'],
  csrf_failed: [403, 'This page is out of date. Reload it and try again.'],
  not_found: [404, "This page doesn't exist."],
  method_not_allowed: [405, "This address doesn't support that method."],
  authorization_request_too_large: [
    400,
    'The authorization request is larger than 8 KB. Send less: for instance a short `state` under which the application keeps the rest.',
  ],
  too_many_open_requests: [
    429,
    'Too many unfinished sign-ins from this network. Try again in a few minutes.',
  ],
  body_too_large: [413, 'The request is larger than 64 KB.'],
  unsupported_media_type: [415, 'This address accepts only forms.'],
  internal: [500, 'Something went wrong on our side.'],
  busy: [503, 'The server is busy. Try again in a few seconds.'],
  store_unavailable: [503, "The database isn't responding. Try again shortly."],
  store_missing: [503, "The database doesn't exist."],
  store_newer: [503, 'This database was migrated by a newer release.'],
  store_conflict: [409, 'The data was changed meanwhile. Try again.'],
  flow_expired: [410, 'The sign-in took too long.'],
  cookies_needed: [400, "The browser didn't send the cookie for this sign-in."],
  invalid_input: [400, 'Invalid input.'],
  password_unmet: [422, "The password doesn't meet the policy."],
  already_exists: [409, 'It already exists.'],
  unknown_account: [404, 'Account not found.'],
  unknown_trace: [404, 'Trace code not found.'],
  key_waiting: [409, 'A new signing key is already pending.'],
  unknown_client: [404, 'Client not found.'],
  unknown_service_account: [404, 'Service account not found.'],
  client_disabled: [403, 'The application is disabled.'],
  account_suspended: [403, 'This account is suspended.'],
  access_denied: [403, "This person doesn't have access to this application."],
  ip_not_allowed: [403, "The account can't be used from this network."],
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
