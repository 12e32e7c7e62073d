// The one list of methods: pages, commands and audit loop over it and name none of them.
import { type BackupCodeNeeds, createBackupCodesFactor } from './backup-codes/backup-codes.ts';
import type { Factor } from './factor.ts';
import { createPasswordFactor, type PasswordNeeds } from './password/password.ts';
import { createSmsFactor, type SmsNeeds } from './sms/sms.ts';
import { createTotpFactor, type TotpNeeds } from './totp/totp.ts';

export { FEW, MADE_AT_ONCE, type RecoveryCodes } from './recovery.ts';
export { type Phones, readPhoneNumber } from './sms/phones.ts';
export type { Authenticators } from './totp/authenticators.ts';
export {
  newSecret,
  otpauthUri,
  readExportedSecret,
  readOtpauth,
  readSecret,
} from './totp/secrets.ts';
export { type CodeVerdict, createVerifyCode, TOTP, type VerifyCode } from './totp/verify.ts';
export type { Factor };
export type FactorNeeds = PasswordNeeds & TotpNeeds & BackupCodeNeeds & SmsNeeds;

/** In the order in which they are offered. */
export function createFactors(needs: FactorNeeds): readonly Factor[] {
  return [
    createPasswordFactor(needs),
    createTotpFactor(needs),
    createSmsFactor(needs),
    createBackupCodesFactor(needs),
  ] as readonly Factor[];
}
