// The few files of public/, kept in memory and named by their content.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Middleware } from 'koa';
import { PROJECT_ROOT } from '../lib/root.ts';

const PREFIX = '/assets/';
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};

interface Asset {
  readonly body: Buffer;
  readonly type: string;
  readonly version: string;
}

export interface Assets {
  /** `/assets/gatehouse.css?v=…`: changes with the content. */
  readonly url: (name: string) => string;
  readonly middleware: Middleware;
}

/** What pages judge passwords by: the modules by which the server judges, not copies. */
const JUDGES = ['rules.js', 'listed.js', 'strength.js'];
const JUDGES_FOLDER = fileURLToPath(new URL('../domain/passwords/', import.meta.url));

export function loadAssets(folder = join(PROJECT_ROOT, 'public')): Assets {
  const names = readdirSync(folder).filter((name) => TYPES[extname(name)]);
  const assets = new Map(names.map((name) => [name, load(join(folder, name))]));
  for (const name of JUDGES) assets.set(name, load(join(JUDGES_FOLDER, name)));
  return {
    url: (name) => {
      const asset = assets.get(name);
      if (!asset) throw new Error(`public/ has no "${name}"`);
      return `${PREFIX}${name}?v=${asset.version}`;
    },
    middleware: async (ctx, next) => {
      const asset = ctx.path.startsWith(PREFIX)
        ? assets.get(ctx.path.slice(PREFIX.length))
        : undefined;
      if (!asset || !['GET', 'HEAD'].includes(ctx.method)) return next();
      const versioned = ctx.query.v === asset.version;
      ctx.set('Cache-Control', versioned ? 'public, max-age=31536000, immutable' : 'no-cache');
      // The demo, on another port, borrows the stylesheet.
      ctx.set('Cross-Origin-Resource-Policy', 'same-site');
      ctx.etag = asset.version;
      ctx.type = asset.type;
      ctx.status = 200;
      if (ctx.fresh) ctx.status = 304;
      else ctx.body = asset.body;
    },
  };
}

function load(file: string): Asset {
  const body = readFileSync(file);
  const version = createHash('sha256').update(body).digest('base64url').slice(0, 10);
  return { body, version, type: TYPES[extname(file)] ?? 'application/octet-stream' };
}
