// Imports run one way and in no circle; factors are named in one place.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect } from 'chai';

const SRC = join(import.meta.dirname, '../src');

const DOCUMENT = join(import.meta.dirname, '../docs/architecture.md');

/** Folder → the folders it may import from, as the table of the document says. */
function readAllowed(): ReadonlyMap<string, readonly string[]> {
  const rows = readFileSync(DOCUMENT, 'utf8').matchAll(/^\| `src\/([\w-]*)\/?` \|.*\| (.+) \|$/gm);
  const all = [...rows].map(([, folder = '', allowed = '']) => [folder || '.', allowed] as const);
  const folders = all.map(([folder]) => folder);
  return new Map(
    all.map(([folder, allowed]) => [
      folder,
      allowed === 'everything' ? folders : [...allowed.matchAll(/`([\w.-]+)`/g)].map(captured),
    ]),
  );
}

const captured = ([, text = '']: RegExpExecArray): string => text;

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
  const allowed = readAllowed();

  it('finds the modules', () => {
    expect(all.length).to.be.greaterThan(50);
    expect(all.flatMap(({ imports }) => imports).length).to.be.greaterThan(150);
  });

  it('has a line in the document for each folder', () => {
    const folders = new Set(all.map(({ file }) => folderOf(file)));
    expect([...allowed.keys()].sort()).to.deep.equal([...folders].sort());
  });

  it('imports run one way', () => {
    const wrong = all.flatMap(({ file, imports }) =>
      imports
        .filter((target) => folderOf(target) !== folderOf(file))
        .filter((target) => !allowed.get(folderOf(file))?.includes(folderOf(target)))
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

  it('a factor is imported from the list of factors alone', () => {
    const wrong = all
      .filter(({ file }) => file !== 'factors/index.ts')
      .flatMap(({ file, imports }) =>
        imports
          .filter((target) => /^factors\/[^/]+\//.test(target))
          .filter((target) => dirname(target) !== dirname(file) && folderOf(file) !== 'wiring')
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
