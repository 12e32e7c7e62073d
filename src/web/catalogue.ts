// The message catalogue: all texts of a language in one file, keys by page.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../lib/root.ts';

type Catalogue = { readonly [key: string]: string | Catalogue };
export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: string, values?: Values) => string;

/** Throws for a key that the catalogue does not have: a missing text is a mistake, not a style. */
export function loadCatalogue(language: string): Translate {
  const file = join(PROJECT_ROOT, 'locales', `${language}.json`);
  const catalogue: Catalogue = JSON.parse(readFileSync(file, 'utf8'));
  return (key, values = {}) => {
    const text = find(catalogue, key.split('.'));
    if (text === undefined) throw new Error(`locales/${language}.json has no "${key}"`);
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
  };
}

function find(catalogue: Catalogue, path: readonly string[]): string | undefined {
  const [head = '', ...rest] = path;
  const here = catalogue[head];
  if (typeof here === 'string') return rest.length === 0 ? here : undefined;
  return here && find(here, rest);
}
