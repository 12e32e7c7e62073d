// An account as commands print it.
import type { Core } from '../app.ts';
import { toIso } from '../lib/clock.ts';
import type { Account } from '../store/accounts.ts';
import { noteOtherIssuer } from './other-issuer.ts';
import { printFields, printJson } from './output.ts';

export interface Printing {
  readonly json?: boolean;
}

/** The shape of an account wherever it is printed. */
export async function describe(core: Core, account: Account) {
  const factors = core.factors.filter((factor) => factor.step === 'second-factor');
  const enrolled = await Promise.all(factors.map((factor) => factor.isEnrolled(account.id)));
  const { id, email, emailVerified, name, status, role, createdAt, mfaDeadline } = account;
  const { allowedAddresses, attributes } = account;
  return {
    id,
    email,
    email_verified: emailVerified,
    name: name ?? null,
    status,
    role,
    created_at: toIso(createdAt),
    mfa: {
      enrolled: enrolled.includes(true),
      deadline: mfaDeadline === undefined ? null : toIso(mfaDeadline),
    },
    known_policy_version: account.knownPolicyVersion ?? null,
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...(allowedAddresses.length === 0 ? {} : { allowed_addresses: allowedAddresses }),
  };
}

/** @param more what is shown this once, beside the account */
export async function show(
  core: Core,
  account: Account,
  { json }: Printing,
  more: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const described = { ...(await describe(core, account)), ...more };
  if (json) printJson(described);
  else printFields(described);
  if ('link' in more) await noteOtherIssuer(core);
}
