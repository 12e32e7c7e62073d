// Which features of oidc-provider are on, and how.
import type { Configuration } from 'oidc-provider';
import type { Config } from '../../config/schema.ts';
import type { Consents } from '../../domain/consents/consents.ts';
import type { ServiceAccountTable } from '../../service-accounts/table.ts';
import { createDevicePages } from '../pages/device.ts';
import type { ProviderPages } from '../pages/provider-pages.ts';
import { createSignOutPages } from '../pages/sign-out.ts';
import { createResourceIndicators } from '../resource-indicators.ts';
import { createMayIntrospect, mayRevoke } from '../token-holders.ts';

export interface FeatureNeeds {
  readonly config: Config;
  readonly pages: ProviderPages;
  readonly grants: { readonly consents: Consents };
  readonly serviceAccountTable: Pick<ServiceAccountTable, 'find'>;
}

export function createFeatures(needs: FeatureNeeds): NonNullable<Configuration['features']> {
  const { config, pages, grants, serviceAccountTable } = needs;
  const on = { enabled: true };
  return {
    devInteractions: { enabled: false },
    backchannelLogout: on,
    claimsParameter: on,
    clientCredentials: on,
    deviceFlow: { ...on, charset: 'base-20', mask: '****-****', ...createDevicePages(pages) },
    dPoP: on,
    introspection: { ...on, allowedPolicy: createMayIntrospect(serviceAccountTable) },
    pushedAuthorizationRequests: on,
    resourceIndicators: createResourceIndicators(config, grants.consents),
    revocation: { ...on, allowedPolicy: mayRevoke },
    rpInitiatedLogout: { ...on, ...createSignOutPages(pages) },
  };
}
