// What every page needs.
import { createDescribeAccess } from '../domain/attributes/words.ts';
import { createDescribeResource } from '../domain/clients/resources.ts';
import { loadAssets } from '../http/assets.ts';
import { createClientAddress } from '../http/client-address.ts';
import { createRequesterCookies } from '../http/requester-cookies.ts';
import { createAnonymousForms } from '../web/anonymous-forms.ts';
import { loadCatalogue } from '../web/catalogue.ts';
import { createCsrf } from '../web/csrf.ts';
import { createFlashes } from '../web/flash.ts';
import { createRender } from '../web/render.ts';
import type { Infrastructure } from './infrastructure.ts';

export type Site = ReturnType<typeof createSite>;

export function createSite({ config, vault }: Infrastructure) {
  const { product, support, issuer, resources } = config;
  const t = loadCatalogue('en');
  const csrf = createCsrf(vault, issuer);
  const assets = loadAssets();
  const common = { t, language: 'en', product: product.name, support: support.contact };
  return {
    t,
    assets,
    resourceToWords: createDescribeResource(resources),
    accessToWords: createDescribeAccess(config, t),
    render: createRender({ ...common, asset: assets.url }),
    csrf,
    flashes: createFlashes(vault, issuer),
    addressOf: createClientAddress(config),
    requesterCookies: createRequesterCookies(config),
    anonymousForms: createAnonymousForms(csrf, issuer),
  };
}
