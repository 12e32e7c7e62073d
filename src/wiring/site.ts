// What every page needs.
import { createResourceToWords } from '../domain/resources.ts';
import { loadAssets } from '../http/assets.ts';
import { createClientAddress } from '../http/client-address.ts';
import { createCsrf } from '../http/csrf.ts';
import { createFlashes } from '../http/flash.ts';
import { createRender } from '../http/render.ts';
import { loadTexts } from '../http/texts.ts';
import { createVisitorForms } from '../http/visitor-forms.ts';
import { createVisitors } from '../http/visitors.ts';
import type { Ground } from './ground.ts';

export type Site = ReturnType<typeof createSite>;

export function createSite({ config, vault }: Ground) {
  const { product, support, issuer, resources } = config;
  const t = loadTexts('en');
  const csrf = createCsrf(vault, issuer);
  const assets = loadAssets();
  const common = { t, language: 'en', product: product.name, support: support.contact };
  return {
    t,
    assets,
    resourceToWords: createResourceToWords(resources),
    render: createRender({ ...common, asset: assets.url }),
    csrf,
    flashes: createFlashes(vault, issuer),
    addressOf: createClientAddress(config),
    visitors: createVisitors(config),
    visitorForms: createVisitorForms(csrf, issuer),
  };
}
