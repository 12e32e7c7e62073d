// Text messages: whether they are offered, and how they wait in the outbox, sealed.
import { z } from 'zod';
import type { Config } from '../../config/schema.ts';
import { now } from '../../lib/clock.ts';
import { GatehouseError } from '../../lib/errors.ts';
import { randomId } from '../../lib/ids.ts';
import type { Vault } from '../../lib/vault.ts';
import type { OutboxMessage, OutboxTable } from '../../store/outbox.ts';
import type { Statement } from '../../store/statement.ts';

export const SMS = 'sms';

export interface TextMessage {
  /** The number in the form E.164. */
  readonly to: string;
  /** Holds the code: it stands sealed in the outbox. */
  readonly text: string;
  /** Milliseconds; after that nobody wants it any more. */
  readonly expiresAt: number;
}

export interface Sms {
  /** Whether codes may be sent at all: there is a sender, and it is allowed. */
  readonly isOffered: boolean;
  /** Belongs into the unit that makes the code. Throws `internal` where none are offered. */
  send(message: TextMessage): Statement;
  /** Throws where the letter was sealed by another key, or is none of ours. */
  open(letter: OutboxMessage): Omit<TextMessage, 'expiresAt'>;
}

interface Needs {
  readonly config: Pick<Config, 'sms' | 'env'>;
  readonly outboxTable: OutboxTable;
  readonly vault: Vault;
}

const payload = z.object({ to: z.string(), sealed: z.string() });

export function createSms({ config, outboxTable, vault }: Needs): Sms {
  const { enabled, webhook_url: url } = config.sms;
  // Files are for those who develop: in production nobody would read them.
  const isOffered = enabled && (url !== undefined || config.env !== 'production');
  const contextOf = (id: string) => `outbox:${id}`;
  return {
    isOffered,
    send: ({ to, text, expiresAt }) => {
      if (!isOffered) throw new GatehouseError('internal');
      const id = randomId();
      const sealed = vault.seal(text, contextOf(id));
      const letter = { id, kind: SMS, recipient: SMS, attempts: 0, expiresAt };
      return outboxTable.insert({ ...letter, payload: { to, sealed } }, now());
    },
    open: ({ id, payload: stored }) => {
      const { to, sealed } = payload.parse(stored);
      return { to, text: vault.open(sealed, contextOf(id)) };
    },
  };
}
