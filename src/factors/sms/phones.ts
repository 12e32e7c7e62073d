// Phone numbers of accounts, and the codes that are texted to them.
import { randomInt } from 'node:crypto';
import type { Sms } from '../../domain/notices/sms.ts';
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import { nfkc } from '../../lib/normal-form.ts';
import { openIfWhole, type Vault } from '../../lib/vault.ts';
import type { Statement, Unit } from '../../store/statement.ts';
import type { Phone, PhoneTable } from './table.ts';

export interface Phones {
  /** Whether codes may be sent at all. */
  readonly isOffered: boolean;
  find(accountId: string): Promise<KnownPhone | undefined>;
  /** Sends a code to a number; those that were sent before it count no more. */
  sendCode(accountId: string, number: string): Unit;
  /** What spends the code; undefined where it is not the newest one sent to this number. */
  findCode(accountId: string, number: string, code: string): Promise<Statement | undefined>;
  /** Must hit: the account has none yet. */
  add(accountId: string, number: string): Statement;
  touch(accountId: string): Statement;
  /** Must hit. */
  remove(accountId: string): Statement;
  removeAll(accountId: string): Statement;
}

export interface KnownPhone extends Pick<Phone, 'usedAt' | 'createdAt'> {
  /** E.164. Undefined for a row that was damaged or moved to another account. */
  readonly number: string | undefined;
}

interface Needs {
  readonly product: string;
  readonly phoneTable: PhoneTable;
  readonly sms: Sms;
  readonly vault: Vault;
}

/** Milliseconds. */
const LIFETIME = 300_000;

export function createPhones({ product, phoneTable, sms, vault }: Needs): Phones {
  const contextOf = (accountId: string) => `phone ${accountId}`;
  const digest = (accountId: string, number: string, code: string) =>
    vault.digest('texted-code', `${accountId} ${number} ${code}`);

  const sendCode = (accountId: string, number: string): Unit => {
    const code = String(randomInt(1_000_000)).padStart(6, '0');
    const at = now();
    const expiresAt = at + LIFETIME;
    const made = { id: randomId(), accountId, digest: digest(accountId, number, code) };
    return [
      phoneTable.deleteCodes(accountId),
      phoneTable.insertCode({ ...made, at, expiresAt }),
      sms.send({ to: number, text: `${code} is your ${product} code.`, expiresAt }),
    ];
  };

  return {
    isOffered: sms.isOffered,
    sendCode,
    find: async (accountId) => {
      const phone = await phoneTable.find(accountId);
      return phone && { ...phone, number: openIfWhole(vault, phone.number, contextOf(accountId)) };
    },
    findCode: async (accountId, number, code) => {
      const wanted = digest(accountId, number, code);
      const found = await phoneTable.codes(accountId, now());
      const own = found.find((each) => each.digest === wanted);
      return own && phoneTable.spendCode(own.id, now());
    },
    add: (accountId, number) =>
      phoneTable.insert({
        accountId,
        number: vault.seal(number, contextOf(accountId)),
        usedAt: undefined,
        createdAt: now(),
      }),
    touch: (accountId) => phoneTable.touch(accountId, now()),
    remove: phoneTable.delete,
    removeAll: phoneTable.deleteOf,
  };
}

/** `+49 151 2345-678` and `0049…` in the form E.164; undefined for what is no number. */
export function readPhoneNumber(typed: string): string | undefined {
  const plain = nfkc(typed).replace(/[\s().-]/g, '');
  const number = plain.replace(/^00/, '+');
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : undefined;
}
