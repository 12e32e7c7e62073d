// Which counters an attempt moves. Names and addresses stand in their keys as keyed hashes only.
import type { LimitsConfig } from '../../config/schema.ts';
import { rangeOf } from '../../lib/addresses.ts';
import type { Vault } from '../../lib/vault.ts';
import type { Plan } from './attempt.ts';
import type { Slot } from './counting.ts';
import { createPolicies, type Policy, withoutLimit } from './policies.ts';
import type { Requester } from './requester.ts';

export type Plans = ReturnType<typeof createPlans>;

/** All plans name the counters of one kind in one order: attempts never wait for each other. */
export function createPlans(config: LimitsConfig, vault: Vault) {
  const policies = createPolicies(config);
  const subjectOf = (subject: string) => vault.digest('limits', subject);
  const slot = (policy: Policy, subject: string | undefined, ...rest: string[]): Slot => ({
    key: vault.digest('limits', JSON.stringify([policy.rule, subject, ...rest])),
    subject: subject && subjectOf(subject),
    policy,
  });
  const range = ({ address }: Pick<Requester, 'address'>) => rangeOf(address, config.range);

  const nameSlots = (identifier: string, requester: Requester) => [
    slot(policies.identifier, identifier, range(requester)),
    slot(policies.lockout, identifier, range(requester)),
  ];
  const browserSlots = (identifier: string, browser: string) => [
    slot(policies.knownBrowser, identifier, browser),
    slot(policies.knownBrowserLockout, identifier, browser),
  ];

  /** Of everybody: whatever a client says of itself would buy it another budget. */
  const commonSlots = (requester: Requester) => [
    slot(policies.fingerprint, undefined, requester.address),
    slot(policies.range, undefined, range(requester)),
  ];
  /** How much of each of them one name has added. */
  const sharesOf = (identifier: string, requester: Requester): Slot[] => {
    const [address, whole] = commonSlots(requester).map(({ key }) => key);
    const ofAddress = slot(policies.fingerprintShare, undefined, identifier, requester.address);
    const ofRange = slot(policies.rangeShare, undefined, identifier, range(requester));
    return [
      { ...ofAddress, shareOf: address ?? '' },
      { ...ofRange, shareOf: whole ?? '' },
    ];
  };

  const stranger = (identifier: string, requester: Requester): Plan => ({
    slots: [
      ...nameSlots(identifier, requester),
      slot(policies.slowdown, identifier),
      ...sharesOf(identifier, requester),
      ...commonSlots(requester),
    ],
    clearsOnSuccess: false,
  });

  const knownBrowser = (identifier: string, browser: string): Plan => ({
    slots: browserSlots(identifier, browser),
    clearsOnSuccess: false,
  });

  /**
   * A stranger who knows the password cannot use up what is left to a known browser.
   * @param browser one that is known by a second factor
   */
  const code = (accountId: string, isLastResort: boolean, browser: string | undefined): Plan => {
    const inARow = isLastResort ? withoutLimit(policies.codesInARow) : policies.codesInARow;
    const shared = browser ? policies.codesCeiling : policies.codes;
    const own = browser ? [slot(policies.knownBrowserCodes, accountId, browser)] : [];
    return {
      slots: [slot(shared, accountId), slot(inARow, accountId), ...own],
      clearsOnSuccess: true,
    };
  };

  const passwordChange = (accountId: string): Plan => ({
    slots: [slot(policies.passwordChanges, accountId)],
    clearsOnSuccess: false,
  });

  /** Sent messages, not failures: nothing but time clears them. */
  const text = (accountId: string, number: string): Plan => ({
    slots: [
      slot(policies.textsPause, undefined, accountId),
      slot(policies.texts, undefined, accountId),
      slot(policies.textsToNumber, undefined, number),
    ],
    clearsOnSuccess: false,
  });

  /** No failure of the account, so that nothing clears it but time. */
  const mail = (identifier: string, address: string): Plan => ({
    slots: [
      slot(policies.mails, undefined, identifier),
      slot(policies.mailsOfRange, undefined, range({ address })),
    ],
    clearsOnSuccess: false,
  });

  const openRequest = (from: { readonly range: string } | { readonly browser: string }): Slot => {
    const [kind, whose] =
      'range' in from ? ['range', rangeOf(from.range, config.range)] : ['browser', from.browser];
    return slot(policies.openRequests, undefined, kind ?? '', whose ?? '');
  };

  /** What anybody may try without naming an account. */
  const ofRange =
    (policy: Policy) =>
    (address: string): Plan => ({
      slots: [slot(policy, undefined, range({ address }))],
      clearsOnSuccess: false,
    });

  const clearedBy = (identifier: string, requester: Requester, browser: string | undefined) =>
    [
      ...nameSlots(identifier, requester),
      ...(browser ? browserSlots(identifier, browser) : []),
    ].map(({ key }) => key);

  /** Undefined for a rule of another release. */
  const policyOf = (rule: string | undefined): Policy | undefined =>
    Object.values(policies).find((policy) => policy.rule === rule);

  return {
    subjectOf,
    policyOf,
    stranger,
    knownBrowser,
    code,
    passwordChange,
    text,
    mail,
    openRequest,
    link: ofRange(policies.links),
    clientSecret: ofRange(policies.clientSecrets),
    userCode: ofRange(policies.userCodes),
    sharesOf,
    clearedBy,
  };
}
