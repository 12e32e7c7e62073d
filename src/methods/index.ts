// The one list of methods: pages, commands and audit loop over it and name none of them.
import { type BackupCodeNeeds, createBackupCodesMethod } from './backup-codes/backup-codes.ts';
import type { Method } from './method.ts';
import { createPasswordMethod, type PasswordNeeds } from './password/password.ts';
import { createSmsMethod, type SmsNeeds } from './sms/sms.ts';
import { createTotpMethod, type TotpNeeds } from './totp/totp.ts';

export { type CodeVerdict, createVerifyCode, TOTP, type VerifyCode } from './totp/verify.ts';

export type { Method };
export type MethodNeeds = PasswordNeeds & TotpNeeds & BackupCodeNeeds & SmsNeeds;

/** In the order in which they are offered. */
export function createMethods(needs: MethodNeeds): readonly Method[] {
  return [
    createPasswordMethod(needs),
    createTotpMethod(needs),
    createSmsMethod(needs),
    createBackupCodesMethod(needs),
  ] as readonly Method[];
}
