// Endpoints in capital letters or with a slash behind: past what stands around the library.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { SQLITE } from '../support/stores.ts';
import { createWeb } from '../support/web.ts';

describe('an endpoint in another spelling', () => {
  let gatehouse: Gatehouse;

  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
  });
  after(() => gatehouse.stop());

  const endpoints = async () => {
    const discovery = await fetch(`${gatehouse.url}/.well-known/openid-configuration`);
    const all = Object.entries((await discovery.json()) as Record<string, unknown>);
    const named = all.filter(([name]) => name.endsWith('_endpoint') || name === 'jwks_uri');
    return ['/device', ...named.map(([, url]) => new URL(String(url)).pathname)];
  };

  const spellings = (path: string) => [
    ...[`${path}/`, path.toUpperCase(), `${path.toUpperCase()}/`, `/${path}`, `${path}//`],
    `/%${path.charCodeAt(1).toString(16)}${path.slice(2)}`,
  ];

  it('is no endpoint, whatever the method', async () => {
    const paths = (await endpoints()).flatMap(spellings);
    expect(paths).to.have.length.above(50);
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { status, headers } = await fetch(`${gatehouse.url}${path}`, { method });
        expect([method, path, status]).to.deep.equal([method, path, 404]);
        expect(headers.get('access-control-allow-origin'), path).to.equal(null);
      }
    }
  });

  it('shows no page of the library, which would send a form by itself', async () => {
    const web = createWeb(gatehouse.url);
    const paths = ['/device', ...spellings('/device')].map((path) => `${path}?user_code=BCDF-GHJK`);
    for (const path of [...paths, '/device?user_code=BCDF-GHJK&user_code=BCDF-GHJK']) {
      const page = await web.once(`${gatehouse.url}${path}`);
      expect(page.text, path).to.include('Gatehouse');
      expect(page.text, path).not.to.match(/<script>|Submitting Callback/);
    }
  });
});
