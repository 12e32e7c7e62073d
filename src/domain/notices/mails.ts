// Mails as they wait in the outbox: plain but for what opens a door or names who may not exist.
import { z } from 'zod';
import { now } from '../../lib/clock.ts';
import { randomId } from '../../lib/ids.ts';
import type { Vault } from '../../lib/vault.ts';
import type { AccountVersion } from '../../store/current-account.ts';
import type { OutboxMessage, OutboxTable } from '../../store/outbox.ts';
import type { Statement } from '../../store/statement.ts';
import type { Whose } from '../accounts/known-browsers.ts';

export const MAIL = 'mail';

const secret = z.object({
  /** A one-time link. */
  link: z.string().optional(),
  /** Goes to whatever account has this address, instead of `to`. */
  normalizedEmail: z.string().optional(),
  accountId: z.string().optional(),
});

const payload = z.object({
  template: z.string(),
  to: z.string().optional(),
  values: z.record(z.string(), z.union([z.string(), z.number()])),
  sealed: z.string().optional(),
});

export type MailValues = Readonly<Record<string, string | number>>;

export interface Mail {
  readonly template: string;
  /** An address, or the account that has it when the mail is delivered. */
  readonly to: string | Whose;
  readonly values: MailValues;
  readonly link?: string | undefined;
}

export interface Mails {
  /** @param expiresAt a day from now unless it says otherwise */
  write(mail: Mail, expiresAt?: number): Statement;
  /** At most one of this kind to this account within a day, for each occasion. */
  writeOnce(mail: Mail, occasion?: string): Statement;
  /** Whether such a mail has been written within a day, delivered or not. */
  wasWritten(mail: Pick<Mail, 'template' | 'to'>, occasion?: string): Promise<boolean>;
  /** Nothing where there is no such account, of this generation and not suspended. */
  writeFor(whose: AccountVersion, mail: Mail, expiresAt: number): Statement;
  /** Throws where the letter was sealed by another key, or is none of ours. */
  open(letter: OutboxMessage): Mail;
}

interface Needs {
  readonly outboxTable: OutboxTable;
  readonly vault: Vault;
}

const DELIVER_WITHIN = 86_400_000;

export function createMails({ outboxTable, vault }: Needs): Mails {
  const letterOf = (id: string, mail: Mail, expiresAt: number): OutboxMessage => ({
    id,
    kind: MAIL,
    // One server takes them all: when it hangs, it is one that does not answer.
    recipient: MAIL,
    payload: payloadOf(id, mail, vault),
    attempts: 0,
    expiresAt,
  });
  const inADay = () => now() + DELIVER_WITHIN;
  const idOf = ({ template, to }: Pick<Mail, 'template' | 'to'>, occasion?: string) => {
    const rest = occasion === undefined ? [] : [occasion];
    return vault.digest('mail', JSON.stringify([template, to, ...rest]));
  };
  return {
    write: (mail, expiresAt = inADay()) =>
      outboxTable.insert(letterOf(randomId(), mail, expiresAt), now()),
    // Its row stays until it expires: as long there is no other.
    writeOnce: (mail, occasion) =>
      outboxTable.insertOnce(letterOf(idOf(mail, occasion), mail, inADay()), now()),
    wasWritten: (mail, occasion) => outboxTable.has(idOf(mail, occasion), now()),
    writeFor: (whose, mail, expiresAt) =>
      outboxTable.insertFor(whose, letterOf(randomId(), mail, expiresAt), now()),
    open: (letter) => open(letter, vault),
  };
}

const contextOf = (id: string) => `outbox:${id}`;

function payloadOf(id: string, { template, to, values, link }: Mail, vault: Vault) {
  const hidden = { link, ...(typeof to === 'string' ? {} : to) };
  const isNeeded = Object.values(hidden).some((each) => each !== undefined);
  const sealed = isNeeded ? { sealed: vault.seal(JSON.stringify(hidden), contextOf(id)) } : {};
  return { template, values, ...(typeof to === 'string' ? { to } : {}), ...sealed };
}

function open({ id, payload: stored }: OutboxMessage, vault: Vault): Mail {
  const { template, to, values, sealed } = payload.parse(stored);
  const hidden = sealed ? secret.parse(JSON.parse(vault.open(sealed, contextOf(id)))) : {};
  const { link, normalizedEmail, accountId } = hidden;
  const account =
    normalizedEmail === undefined ? { accountId: accountId ?? '' } : { normalizedEmail };
  return { template, to: to ?? account, values, link };
}
