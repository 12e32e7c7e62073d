// What requests may contain beyond the letter of the standards.
import type Provider from 'oidc-provider';

interface Parameters {
  scope?: unknown;
}

const PARAMETERS = Symbol('parameters');
type Holder = { [PARAMETERS]?: Parameters | undefined };

/**
 * Tolerates blanks around scopes and between them (RFC 6749, 3.3 allows one), at every endpoint: the
 * library assigns what it has read to one property.
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
