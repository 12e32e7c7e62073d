// The address of this house is configured: no header can say otherwise.
import type Koa from 'koa';
import type { Request } from 'koa';

/** Fixes protocol, host and origin of every request to the issuer's. */
export function fixIssuer(app: Koa, issuer: string): void {
  const { protocol, host, hostname, origin } = new URL(issuer);
  const always = <T>(value: T) => ({ get: () => value, configurable: true });
  Object.defineProperties(app.request, {
    protocol: always(protocol.slice(0, -1)),
    secure: always(protocol === 'https:'),
    host: always(host),
    hostname: always(hostname),
    origin: always(origin),
    href: {
      configurable: true,
      get(this: Request) {
        return `${origin}${this.path}${this.search}`;
      },
    },
  });
}
