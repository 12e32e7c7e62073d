// A new authenticator: the secret as a QR code and as text, confirmed by its first code.
import { join } from 'node:path';
import { z } from 'zod';
import { PROJECT_ROOT } from '../../lib/root.ts';
import { readSixDigits } from '../../lib/typed-codes.ts';
import type { Vault } from '../../lib/vault.ts';
import { type Enrolment, type EnrolmentAttempt, rejected } from '../factor.ts';
import type { Authenticators } from './authenticators.ts';
import { encodeSecret, otpauthUri, SECRET_BYTES } from './secrets.ts';
import { matchCode } from './verdicts.ts';

const input = z.object({
  code: z.string().min(1, 'enrol-factor.missing'),
  device_name: z.string().trim().max(64, 'enrol-factor.name-too-long').optional(),
});

type Input = z.infer<typeof input>;

export interface TotpEnrolmentNeeds {
  readonly product: string;
  readonly authenticators: Authenticators;
  readonly vault: Vault;
}

/** Words for what is no code. */
const MALFORMED = 'totp.malformed';
const view = (name: string) => join(PROJECT_ROOT, 'views/factors', name);
const DEFAULT_NAME = 'Authenticator app';

export function createTotpEnrolment(needs: TotpEnrolmentNeeds): Enrolment {
  const { product, vault } = needs;

  /** Derived, not stored: nothing has to be written before the code confirms it. */
  const secretOf = (accountId: string, context: string): string => {
    const bytes = vault.derive('totp-enrolment', `${accountId} ${context}`);
    return encodeSecret(bytes.subarray(0, SECRET_BYTES));
  };

  return {
    page: {
      offer: view('totp-setup.ejs'),
      confirm: view('totp-confirm.ejs'),
      scripts: ['copy.js'],
      texts: 'enrol-totp',
    },
    input,
    findFlaw,
    offer: async ({ id, email }, context) => {
      const secret = secretOf(id, context);
      const uri = otpauthUri(product, email, secret);
      return { qr: await draw(uri), uri, key: secret.replace(/(.{4})(?=.)/g, '$1 ') };
    },
    confirm: async (attempt) => {
      const { account, context } = attempt as EnrolmentAttempt<Input>;
      return confirm(attempt as EnrolmentAttempt<Input>, secretOf(account.id, context), needs);
    },
  } as Enrolment;
}

/** Pixels, as the page shows it. */
const WIDTH = 240;
/** Modules around the code that stay white, at least. */
const QUIET = 4;

/** A picture of exactly that width, in which every module has the same whole number of pixels. */
async function draw(uri: string): Promise<string> {
  // Large, and most starts and commands draw none.
  const { default: QRCode } = await import('qrcode');
  const level = { errorCorrectionLevel: 'M' } as const;
  const { size } = QRCode.create(uri, level).modules;
  const scale = Math.max(1, Math.floor(WIDTH / (size + 2 * QUIET)));
  const margin = Math.max(QUIET, (WIDTH / scale - size) / 2);
  return QRCode.toDataURL(uri, { ...level, margin, scale });
}

export function findFlaw({ code }: { readonly code: string }): string | undefined {
  return readSixDigits(code) === undefined ? MALFORMED : undefined;
}

function confirm(
  { account, input: { code: typed, device_name: name }, at }: EnrolmentAttempt<Input>,
  secret: string,
  { authenticators }: TotpEnrolmentNeeds,
) {
  const code = readSixDigits(typed);
  if (code === undefined) return rejected('not six digits');
  const found = matchCode(secret, code, at);
  if (found.kind === 'wrong') return rejected('wrong code');
  if (found.kind === 'near') return { ...rejected('code of another time'), hint: found.hint };
  const label = name || DEFAULT_NAME;
  // The code that confirms it is spent by that.
  const spent = { lastStep: found.step, usedAt: at };
  const unit = [authenticators.add({ accountId: account.id, name: label, secret, ...spent })];
  return { kind: 'confirmed' as const, unit, label };
}
