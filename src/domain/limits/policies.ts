// The rules as numbers: what each counter allows, when it begins anew, and when it pauses.
import type { LimitsConfig } from '../../config/schema.ts';
import type { Carry, Pause } from '../../store/limits.ts';

export type Rule =
  | 'identifier'
  | 'lockout'
  | 'slowdown'
  | 'fingerprint'
  | 'fingerprint-share'
  | 'range'
  | 'range-share'
  | 'known-browser'
  | 'known-browser-lockout'
  | 'codes'
  | 'codes-in-a-row'
  | 'known-browser-codes'
  | 'password-changes'
  | 'texts-pause'
  | 'texts'
  | 'texts-to-number'
  | 'mails'
  | 'mails-of-range'
  | 'links'
  | 'client-secrets'
  | 'user-codes'
  | 'open-requests';

/** Times are in milliseconds. */
export interface Policy {
  readonly rule: Rule;
  /** Refused from so many failures on. */
  readonly limit: number;
  /** `window`: after its first failure. `quiet`: after its last one. */
  readonly restart:
    | { readonly kind: 'window' | 'quiet'; readonly length: number }
    | { readonly kind: 'never' };
  readonly pause: Pause;
  /** It spaces attempts out and stops nobody: whoever comes too early is told so at once. */
  readonly isPace: boolean;
  /** What a paced window leaves to the next one. */
  readonly carry: Pick<Carry, 'from' | 'most'> | undefined;
}

/** What no count reaches. */
export const UNLIMITED = 2 ** 31 - 1;
export const NO_PAUSE: Pause = {
  after: UNLIMITED,
  every: 1,
  step: 1,
  first: 0,
  longest: 0,
  doublings: 0,
};

export type Policies = ReturnType<typeof createPolicies>;

export function createPolicies(config: LimitsConfig) {
  const { sign_in, pace, fingerprint, range, slowdown, known_browsers, codes } = config;
  const { password_changes, mails, links, texts, client_secrets, user_codes } = config;
  const { open_requests } = config;
  const ownCodes = { failures: known_browsers.codes, window: codes.window };
  return {
    identifier: windowPolicy('identifier', sign_in),
    lockout: lockoutPolicy('lockout', sign_in),
    slowdown: slowdownPolicy(slowdown),
    fingerprint: pacePolicy('fingerprint', fingerprint, pace),
    fingerprintShare: sharePolicy('fingerprint-share', fingerprint),
    range: pacePolicy('range', range, pace),
    rangeShare: sharePolicy('range-share', range),
    knownBrowser: windowPolicy('known-browser', sign_in),
    knownBrowserLockout: lockoutPolicy('known-browser-lockout', sign_in),
    knownBrowserCodes: windowPolicy('known-browser-codes', ownCodes),
    codes: windowPolicy('codes', codes),
    /** The same count of the account, as far as it may go in browsers that are known to it. */
    codesCeiling: windowPolicy('codes', { failures: codes.ceiling, window: codes.window }),
    codesInARow: {
      rule: 'codes-in-a-row',
      limit: codes.consecutive,
      restart: { kind: 'never' },
      pause: NO_PAUSE,
      isPace: false,
      carry: undefined,
    },
    passwordChanges: windowPolicy('password-changes', {
      failures: password_changes.attempts,
      window: password_changes.window,
    }),
    textsPause: windowPolicy('texts-pause', { failures: 1, window: texts.pause }),
    texts: windowPolicy('texts', { failures: texts.requests, window: texts.window }),
    textsToNumber: windowPolicy('texts-to-number', {
      failures: texts.per_number,
      window: texts.number_window,
    }),
    mails: windowPolicy('mails', { failures: mails.requests, window: mails.window }),
    mailsOfRange: windowPolicy('mails-of-range', {
      failures: mails.per_range,
      window: mails.window,
    }),
    links: windowPolicy('links', links),
    clientSecrets: windowPolicy('client-secrets', client_secrets),
    userCodes: windowPolicy('user-codes', user_codes),
    openRequests: windowPolicy('open-requests', {
      failures: open_requests.requests,
      window: open_requests.window,
    }),
  } satisfies Record<string, Policy>;
}

interface Window {
  readonly failures: number;
  readonly window: number;
}

function windowPolicy(rule: Rule, { failures, window }: Window): Policy {
  const restart = { kind: 'window', length: window * 1000 } as const;
  return { rule, limit: failures, restart, pause: NO_PAUSE, isPace: false, carry: undefined };
}

function pacePolicy(rule: Rule, { failures, window }: Window, pace: LimitsConfig['pace']): Policy {
  const { first, longest, doubles_every: step } = pace;
  const doublings = doublingsOf(pace);
  const bounds = { first: first * 1000, longest: longest * 1000, doublings };
  return {
    ...windowPolicy(rule, { failures: UNLIMITED, window }),
    pause: { after: failures, every: 1, step, ...bounds },
    isPace: true,
    // Beyond the longest pause there is nothing to remember.
    carry: { from: failures, most: failures + (doublings + 1) * step },
  };
}

function sharePolicy(rule: Rule, { window }: Window): Policy {
  return windowPolicy(rule, { failures: UNLIMITED, window });
}

interface Bounds {
  readonly first: number;
  readonly longest: number;
}

function doublingsOf({ first, longest }: Bounds): number {
  return Math.max(0, Math.ceil(Math.log2(longest / first)));
}

function lockoutPolicy(rule: Rule, config: LimitsConfig['sign_in']): Policy {
  const length = config.lockout * 1000;
  const { lockout_after: after, lockout_every: every } = config;
  return {
    rule,
    limit: UNLIMITED,
    restart: { kind: 'quiet', length: config.quiet * 1000 },
    pause: { after, every, step: every, first: length, longest: length, doublings: 0 },
    isPace: false,
    carry: undefined,
  };
}

function slowdownPolicy(config: LimitsConfig['slowdown']): Policy {
  const { failures, window, first, longest } = config;
  const bounds = { first: first * 1000, longest: longest * 1000, doublings: doublingsOf(config) };
  return {
    rule: 'slowdown',
    limit: UNLIMITED,
    restart: { kind: 'window', length: window * 1000 },
    pause: { after: failures, every: 1, step: 1, ...bounds },
    isPace: true,
    carry: undefined,
  };
}

/** The same rule, counted but stopping nobody. */
export function withoutLimit(policy: Policy): Policy {
  return { ...policy, limit: UNLIMITED };
}
