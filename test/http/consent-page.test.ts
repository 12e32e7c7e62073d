// The consent page counts what it lists.
import { expect } from 'chai';
import { loadCatalogue } from '../../src/web/catalogue.ts';
import { createRender } from '../../src/web/render.ts';

describe('the consent page', () => {
  const t = loadCatalogue('en');
  const render = createRender({
    t,
    language: 'en',
    product: 'Gatehouse',
    support: '',
    asset: String,
  });
  const scopes = (...names: string[]) => names.map((name) => ({ name }));

  it('counts its rows, a resource with many scopes as one', () => {
    const html = render('consent', {
      client: { name: 'App' },
      csrf: 'x',
      actions: { submit: '/consent', switch: '/switch' },
      scopes: scopes('a', 'b', 'c', 'd'),
      resources: [{ name: 'Calendar', scopes: scopes('e', 'f', 'g') }],
    });
    const rows = html.split('<li><svg').length - 1;
    expect(rows).to.equal(5);
    expect(html).to.include(t('consent.count', { count: rows }));
  });
});
