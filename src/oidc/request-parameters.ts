// Accepts request parameters that the standards don't strictly allow.
import type Provider from 'oidc-provider';

interface Parameters {
  scope?: unknown;
}

const PARAMETERS = Symbol('parameters');
type Holder = { [PARAMETERS]?: Parameters | undefined };

/**
 * Tolerates blanks around and between scopes, at every endpoint; RFC 6749, 3.3 allows single ones
 * between. oidc-provider assigns the parameters that it has read to one property.
 */
export function tolerateBlanks(provider: Provider): void {
  Object.defineProperty(provider.OIDCContext.prototype, 'params', {
    configurable: true,
    get(this: Holder) {
      return this[PARAMETERS];
    },
    set(this: Holder, read: Parameters | undefined) {
      if (typeof read?.scope === 'string') {
        read.scope =
          read.scope
            .split(/[ \t\r\n]+/)
            .filter(Boolean)
            .join(' ') || undefined;
      }
      this[PARAMETERS] = read;
    },
  });
}
