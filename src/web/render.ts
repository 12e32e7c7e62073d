// HTML from the views: plain data in, text out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ejs from 'ejs';
import { PROJECT_ROOT } from '../lib/root.ts';
import type { Translate } from './catalogue.ts';

export type PageData = Readonly<Record<string, unknown>>;
export type Render = (view: string, data: PageData) => string;

export interface RenderNeeds {
  readonly t: Translate;
  readonly language: string;
  readonly product: string;
  readonly support: string;
  readonly asset: (name: string) => string;
}

const VIEWS = join(PROJECT_ROOT, 'views');

export function createRender({ t, language, product, support, asset }: RenderNeeds): Render {
  const compiled = new Map<string, ejs.TemplateFunction>();
  const template = (view: string) => {
    let found = compiled.get(view);
    if (!found) {
      found = compile(join(VIEWS, `${view}.ejs`));
      compiled.set(view, found);
    }
    return found;
  };
  const common = { t, lang: language, product, assets: asset, ...(support ? { support } : {}) };
  // Compiled with fixed options: nothing in the data can change how a view is read.
  return (view, data) => template(view)({ ...common, ...data });
}

function compile(filename: string): ejs.TemplateFunction {
  return ejs.compile(readFileSync(filename, 'utf8'), {
    filename,
    views: [VIEWS],
    strict: true,
    localsName: 'page',
    cache: true,
  });
}
