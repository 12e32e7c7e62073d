// Imports run one way and in no circle; methods are named in one place.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'chai';

const SRC = join(import.meta.dirname, '../src');

/** A folder may import from those after it, and from `oidc` as said below. */
const ORDER = ['cli', 'http', 'signin', 'methods', 'messages', 'domain', 'store', 'lib', 'config'];

/** `oidc` stands beside `signin`: pages know it, and it knows rules and store. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  cli: ['.', 'domain', 'store', 'lib', 'config'],
  http: ['signin', 'methods', 'oidc', 'domain', 'store', 'lib', 'config'],
  signin: ['methods', 'domain', 'store', 'lib'],
  methods: ['domain', 'store', 'lib'],
  messages: ['domain', 'store', 'lib'],
  oidc: ['domain', 'store', 'lib', 'config'],
  domain: ['store', 'lib', 'config'],
  store: ['lib', 'config'],
  config: ['lib'],
  lib: [],
  demo: ['lib'],
  wiring: [...ORDER.slice(1), 'oidc'],
  // The composition root and what starts it.
  '.': [...ORDER, 'wiring', 'oidc', 'demo', '.'],
};

interface Module {
  readonly file: string;
  readonly imports: readonly string[];
}

function modules(): Module[] {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ file, imports: importsOf(join(SRC, file)) }));
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g);
  return [...found].map(([, path = '']) => relative(SRC, resolve(dirname(file), path)));
}

const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '.');

describe('architecture', () => {
  const all = modules();

  it('finds the modules', () => {
    expect(all.length).to.be.greaterThan(50);
    expect(all.flatMap(({ imports }) => imports).length).to.be.greaterThan(150);
  });

  it('imports run one way', () => {
    const wrong = all.flatMap(({ file, imports }) =>
      imports
        .filter((target) => folderOf(target) !== folderOf(file))
        .filter((target) => !ALLOWED[folderOf(file)]?.includes(folderOf(target)))
        .map((target) => `${file} → ${target}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('there is no circle, types included', () => {
    const graph = new Map(all.map(({ file, imports }) => [file, imports]));
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) {
        circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) visit(file, []);
    expect(circles).to.deep.equal([]);
  });

  it('a method is imported from the list of methods alone', () => {
    const wrong = all
      .filter(({ file }) => file !== 'methods/index.ts')
      .flatMap(({ file, imports }) =>
        imports
          .filter((target) => /^methods\/[^/]+\//.test(target))
          .filter((target) => dirname(target) !== dirname(file))
          .map((target) => `${file} → ${target}`),
      );
    expect(wrong).to.deep.equal([]);
  });

  it('only oidc and the root know the library', () => {
    const knowing = all
      .map(({ file }) => file)
      .filter((file) => /from 'oidc-provider'/.test(readFileSync(join(SRC, file), 'utf8')))
      .filter((file) => !file.startsWith('oidc/') && file.includes('/'));
    expect(knowing).to.deep.equal([]);
  });
});
