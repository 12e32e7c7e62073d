// What people read for the access that an application asks for.
import type { Config } from '../../config/schema.ts';
import { STANDARD_ATTRIBUTES } from '../../config/standard-attributes.ts';
import type { Translate } from '../../web/catalogue.ts';
import type { Granted } from '../consents/consents.ts';
import { scopeOf } from './attributes.ts';

export interface AccessInWords {
  readonly title: string;
  readonly description?: string;
}

/** Scopes first, then the claims that none of them releases. */
export type DescribeAccess = (
  granted: Pick<Granted, 'scopes' | 'claims'>,
) => readonly AccessInWords[];

type Configured = Pick<Config, 'attributes'>;

const DESCRIBED: readonly string[] = ['offline_access', 'openid'];
const WITH_TITLE: readonly string[] = [
  ...['openid', 'profile', 'email', 'phone', 'address', 'roles', 'groups', 'offline_access'],
];
/** Released with every sign-in. */
const PLAIN: readonly string[] = ['sub', 'sid', 'auth_time', 'acr', 'amr'];

export function createDescribeAccess(config: Configured, t: Translate): DescribeAccess {
  return ({ scopes, claims }) => {
    const isCovered = (claim: string) => scopes.includes(scopeOf(config, claim) ?? '');
    const extra = claims.filter((claim) => !PLAIN.includes(claim) && !isCovered(claim));
    return [
      ...scopes.map((scope) => scopeInWords(scope, config, t)),
      ...extra.map((claim) => ({ title: claimInWords(claim, config, t) })),
    ];
  };
}

function scopeInWords(scope: string, { attributes }: Configured, t: Translate): AccessInWords {
  const labels = attributes.filter((each) => each.scope === scope).map(({ label }) => label);
  // One that is no longer configured is called by its name.
  if (!WITH_TITLE.includes(scope)) {
    return { title: labels.length > 0 ? seeAll(labels, t) : scope };
  }
  const title = t(`scopes.${scope}.title`);
  if (DESCRIBED.includes(scope)) return { title, description: t(`scopes.${scope}.description`) };
  return labels.length > 0 ? { title, description: seeAll(labels, t) } : { title };
}

function claimInWords(claim: string, { attributes }: Configured, t: Translate): string {
  const configured = attributes.find((each) => (each.claim ?? each.name) === claim);
  if (configured) return seeAll([configured.label], t);
  const isKnown = FIXED.includes(claim) || STANDARD_ATTRIBUTES.some(({ name }) => name === claim);
  return isKnown ? seeAll([t(`attributes.${claim}`)], t) : claim;
}

const FIXED: readonly string[] = ['name', 'updated_at', 'email', 'email_verified'];

function seeAll(labels: readonly string[], t: Translate): string {
  const list = new Intl.ListFormat('en').format(labels);
  return t('consent.see', { attributes: list });
}
