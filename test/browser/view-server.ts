// Shows made-up pages the way the provider would: its rendering, its headers, its assets.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Koa from 'koa';
import { loadAssets } from '../../src/http/assets.ts';
import { keepForms, securityHeaders } from '../../src/http/middleware/security.ts';
import { loadCatalogue } from '../../src/web/catalogue.ts';
import { readForm } from '../../src/web/forms.ts';
import { createRender } from '../../src/web/render.ts';
import type { Sample } from './view-samples.ts';

export interface ViewServer {
  readonly url: string;
  /** Forms that were sent, in their order. */
  readonly posts: { readonly path: string; readonly fields: Record<string, string> }[];
  stop(): void;
}

const ELSEWHERE = '<!doctype html><title>Elsewhere</title><link rel="icon" href="data:,">';

export async function startViews(samples: Readonly<Record<string, Sample>>): Promise<ViewServer> {
  const assets = loadAssets();
  const texts = { t: loadCatalogue('en'), language: 'en', product: 'Gatehouse', support: '' };
  const render = createRender({ ...texts, asset: assets.url });
  const posts: ViewServer['posts'] = [];

  const app = new Koa();
  app.use(securityHeaders('http://localhost'));
  app.use(assets.middleware);
  app.use(async (ctx) => {
    keepForms(ctx);
    const sample = samples[ctx.path.slice(1)];
    if (ctx.method === 'POST') posts.push({ path: ctx.path, fields: { ...(await readForm(ctx)) } });
    ctx.type = 'html';
    ctx.body = sample ? render(sample.view, sample.data) : ELSEWHERE;
  });
  const server = createServer(app.callback());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, posts, stop };
}
