// Every address that something answers, from the tables of the routers themselves.
import type Koa from 'koa';

export interface Route {
  readonly method: string;
  /** With something in the place of each parameter. */
  readonly path: string;
}

interface Layer {
  readonly methods: readonly string[];
  readonly path: string;
}

type Register = (this: unknown, name: string, path: string, ...rest: unknown[]) => unknown;

const METHODS = ['get', 'post', 'put', 'delete'] as const;

/** By its path: the package shows nothing of its inside. */
const ROUTER = new URL('../../node_modules/oidc-provider/lib/helpers/router.js', import.meta.url);

/** What the library's router is told while `build` runs, and what it gives back. */
export async function withLibraryRoutes<T>(build: () => Promise<T>): Promise<[T, Route[]]> {
  const { default: Router } = await import(ROUTER.href);
  const table: Record<string, Register> = Router.prototype;
  const before = Object.fromEntries(METHODS.map((method) => [method, table[method]]));
  const found: Route[] = [];
  for (const method of METHODS) {
    table[method] = function (name, path, ...rest) {
      found.push({ method: method.toUpperCase(), path: filled(path) });
      return before[method]?.call(this, name, path, ...rest);
    };
  }
  try {
    return [await build(), found];
  } finally {
    Object.assign(table, before);
  }
}

export function ownRoutes(app: Koa): Route[] {
  const routers = app.middleware.flatMap(
    (each) => (each as { router?: { stack: readonly Layer[] } }).router ?? [],
  );
  return routers
    .flatMap(({ stack }) => stack)
    .flatMap(({ methods, path }) => methods.map((method) => ({ method, path: filled(path) })));
}

function filled(path: string): string {
  return path.replaceAll(/[:*]\w+/g, 'aaaaaaaa');
}
