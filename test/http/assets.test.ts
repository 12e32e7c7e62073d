// The files of public/: named by their content, kept for ever, and no way out of the folder.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import { SQLITE } from '../support/stores.ts';
import { type Answer, send } from './helpers.ts';

const FOLDER = join(PROJECT_ROOT, 'public');
const TYPES: Readonly<Record<string, RegExp>> = {
  css: /^text\/css; charset=utf-8$/,
  js: /^text\/javascript; charset=utf-8$/,
  svg: /^image\/svg\+xml$/,
  png: /^image\/png$/,
};

describe('assets', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse({ store: SQLITE });
  });
  after(() => gatehouse.stop());

  const get = (target: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(gatehouse.url, target, { headers, method });

  const names = readdirSync(FOLDER);

  for (const name of names) {
    it(`${name} is sent as it lies there, and a 304 where it is known`, async () => {
      const plain = await get(`/assets/${name}`);
      expect(plain.status).to.equal(200);
      expect(plain.text).to.equal(readFileSync(join(FOLDER, name), 'utf8'));
      expect(plain.headers.get('content-type')).to.match(
        TYPES[name.split('.').at(-1) ?? ''] ?? /^$/,
      );
      expect(plain.headers.get('cache-control')).to.equal('no-cache');
      const etag = plain.headers.get('etag') ?? '';
      expect(etag).to.match(/^"[\w-]{10}"$/);
      for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const again = await get(`/assets/${name}`, { 'if-none-match': known });
        expect(again, known).to.include({ status: 304, text: '' });
        expect(again.headers.get('etag')).to.equal(etag);
      }
      expect((await get(`/assets/${name}`, { 'if-none-match': '"other"' })).status).to.equal(200);
    });
  }

  it('may be kept for ever under the name of their content, and only then', async () => {
    const control = ({ headers }: Answer) => headers.get('cache-control');
    const page = await get('/sign-in/unknown', { accept: 'text/html' });
    const links = [...page.text.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, link = '']) => link);
    expect(links.length).to.be.greaterThan(1);
    for (const link of links) {
      expect(link).to.match(/^\/assets\/[\w.-]+\?v=[\w-]{10}$/);
      const versioned = await get(link);
      expect(versioned.status).to.equal(200);
      expect(control(versioned)).to.equal('public, max-age=31536000, immutable');
      const known = { 'if-none-match': versioned.headers.get('etag') ?? '' };
      expect(control(await get(link, known))).to.equal('public, max-age=31536000, immutable');
      for (const other of [`${link}x`, link.replace('?v=', '?v=x'), link.replace('?v', '?w')]) {
        expect(control(await get(other)), other).to.equal('no-cache');
      }
    }
  });

  it('answer HEAD without a body, and no other method', async () => {
    const [name = ''] = names;
    const head = await get(`/assets/${name}`, {}, 'HEAD');
    expect(head).to.include({ status: 200, text: '' });
    expect(head.headers.get('content-length')).to.equal(
      String(readFileSync(join(FOLDER, name)).length),
    );
    for (const method of ['POST', 'PUT', 'DELETE']) {
      expect((await get(`/assets/${name}`, {}, method)).status, method).to.be.within(404, 405);
    }
  });

  it('are these files and no others', async () => {
    const [name = ''] = names;
    const ways = [
      '/assets/',
      '/assets',
      '/assets/nowhere.css',
      '/assets/../package.json',
      '/assets/%2e%2e/package.json',
      '/assets/..%2fpackage.json',
      '/assets/..\\package.json',
      `/assets//${name}`,
      `/assets/./${name}`,
      `/assets/${name}/`,
      `/assets/${name.toUpperCase()}`,
      '/assets/__proto__',
      '/assets/constructor',
      '/package.json',
      '/views/error.ejs',
    ];
    for (const way of ways) expect((await get(way)).status, way).to.equal(404);
  });

  it('set no cookie', async () => {
    expect((await get(`/assets/${names[0]}`)).headers.getSetCookie()).to.deep.equal([]);
  });
});
