// Who takes which letter of the outbox out of the house.
import { MAIL } from '../domain/notices/mails.ts';
import { SMS } from '../domain/notices/sms.ts';
import { createOutgoing } from '../lib/outgoing.ts';
import type { Deliver } from '../messages/deliver.ts';
import { createFiles } from '../messages/files.ts';
import { createMailDelivery } from '../messages/mail.ts';
import { createSmsDelivery } from '../messages/sms.ts';
import type { Domain } from './domain.ts';
import type { Infrastructure } from './infrastructure.ts';
import type { Site } from './web-kit.ts';

export function createMessengers({ config }: Infrastructure, domain: Domain, { render, t }: Site) {
  const { issuer, mail, sms, outgoing, data_dir: dataDir } = config;
  const write = createFiles(dataDir);
  const site = { render, t, issuer, product: config.product.name };
  const call = createOutgoing(outgoing);
  return {
    [MAIL]: createMailDelivery({ ...domain, ...site, settings: mail, write }),
    [SMS]: createSmsDelivery({ settings: sms, sms: domain.sms, call, write }),
  } satisfies Record<string, Deliver>;
}
