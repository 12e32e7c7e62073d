// What the documents say about options, files and each other is so.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/config/load.ts';
import { AUDIT_KINDS } from '../../src/domain/audit/kinds.ts';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { documents } from '../support/documents.ts';

const read = (file: string) => readFileSync(join(PROJECT_ROOT, file), 'utf8');
const texts = documents().map((file) => ({ file, text: read(file) }));

const OPTIONS = [...read('docs/configuration.md').matchAll(/^\| `([a-z_.]+)` \|/gm)].map(
  ([, name = '']) => name,
);
const SECTIONS = [...new Set(OPTIONS.filter((name) => name.includes('.')).map(sectionOf))];
const SECONDS: Readonly<Record<string, number>> = { s: 1, minutes: 60, hours: 3_600, days: 86_400 };

function sectionOf(name: string): string {
  return name.split('.')[0] ?? '';
}

function defaultOf(path: string): unknown {
  const config: unknown = loadConfig({});
  return path.split('.').reduce((sum, key) => (sum as Record<string, unknown>)?.[key], config);
}

describe('what the documents say', () => {
  it('of options and events names those that there are', () => {
    const wrong = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/`([a-z_]+(?:\.[a-z_]+)+)(?:\.\*)?`/g)]
        .map(([, name = '']) => name)
        .filter((name) => SECTIONS.includes(sectionOf(name)) && !/\.(json|commit)$/.test(name))
        .filter(
          (name) =>
            ![...OPTIONS, ...AUDIT_KINDS].some(
              (each) => each === name || each.startsWith(`${name}.`),
            ),
        )
        .map((name) => `${file}: ${name}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('of defaults is what is the default', () => {
    const said = texts.flatMap(({ file, text }) =>
      [
        ...text.matchAll(/`([a-z_]+(?:\.[a-z_]+)+)`\s+\((\d+)(?:\s+(s|minutes|hours|days))?\b/g),
      ].map(([, name = '', number, unit = 's']) => ({
        file,
        name,
        value: Number(number) * (SECONDS[unit] ?? 1),
      })),
    );
    expect(said.length).to.be.greaterThan(5);
    for (const { file, name, value } of said) {
      expect(defaultOf(name), `${file}: ${name}`).to.equal(value);
    }
  });

  it('of files names those that there are', () => {
    const folders =
      /`((?:src|test|bench|config|docs|examples|migrations|views|locales|public)\/[^`\s]*)`/g;
    const wrong = texts.flatMap(({ file, text }) =>
      [...text.matchAll(folders)]
        .map(([, path = '']) => path)
        .filter((path) => !/[A-Z…*]{2}/.test(path) && path !== 'test/screenshots')
        .filter((path) => !existsSync(join(PROJECT_ROOT, path)))
        .map((path) => `${file}: ${path}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('leads to places that there are', () => {
    const wrong = texts.flatMap(({ file, text }) =>
      [...text.matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target))
        .filter((target) => !isThere(file, target))
        .map((target) => `${file}: ${target}`),
    );
    expect(wrong).to.deep.equal([]);
  });
});

function isThere(from: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : join(dirname(from), path);
  if (!existsSync(join(PROJECT_ROOT, file))) return false;
  return anchor === undefined || anchorsOf(file).includes(anchor);
}

/** As the places that show Markdown make them of headings. */
function anchorsOf(file: string): string[] {
  return [...read(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}
