// Says once that requests seem to come through a proxy that nobody has configured.
import type { IncomingMessage } from 'node:http';
import type { Middleware } from 'koa';
import type { Config } from '../../config/schema.ts';
import { isWithin, parseAddress, parseSubnet } from '../../lib/addresses.ts';
import { now } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';

export interface ForwardingNeeds {
  readonly config: Pick<Config, 'trusted_proxies'>;
  readonly log: Log;
  /** For `doctor`. */
  readonly remember: (peer: string, at: number) => Promise<void>;
}

const DAY = 86_400_000;
const AGAIN = 60_000;

/** Anybody can send such a header: it costs one line a process, and one write a day. */
export function noteForwarding({ config, log, remember }: ForwardingNeeds): Middleware {
  const trusted = config.trusted_proxies.map(parseSubnet);
  let isSaid = false;
  let nextAt = 0;
  let lastTrusted: string | undefined;

  const note = (remote: string, header: string): void => {
    const peer = parseAddress(remote);
    if (!peer) return;
    if (isWithin(peer, trusted)) {
      lastTrusted = remote;
      return;
    }
    const address = peer.toString();
    const at = now();
    nextAt = at + DAY;
    remember(address, at).catch(() => {
      nextAt = at + AGAIN;
    });
    if (isSaid) return;
    isSaid = true;
    log.warn(
      { address },
      `requests arrive with ${header} from an address that is not trusted: the header is ignored, and limits count everyone behind that address as one. If it is a proxy of yours, add it to TRUSTED_PROXIES (trusted_proxies)`,
    );
  };

  return ({ req }, next) => {
    const header = forwardingHeader(req);
    const { remoteAddress: remote } = req.socket;
    if (header && remote && remote !== lastTrusted && now() >= nextAt) note(remote, header);
    return next();
  };
}

function forwardingHeader({ headers }: IncomingMessage): string | undefined {
  if (headers['x-forwarded-for'] !== undefined) return 'X-Forwarded-For';
  return headers.forwarded === undefined ? undefined : 'Forwarded';
}
