// Checks a page in the browser against the accessibility rules of axe.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ElementContext, Result, RunOptions } from 'axe-core';
import { expect } from 'chai';
import type { Frame, Page } from 'playwright-core';

type AxePage = { axe: typeof import('axe-core'); document: ElementContext };

const program = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Fails with a list of all violations in the page, or in the part that the selector chooses. */
export async function expectAccessible(page: Page, context?: string): Promise<void> {
  for (const frame of page.frames()) await load(frame);
  // What it would load once more is for sound and film, of which there is none.
  const options: RunOptions = { runOnly: tags, resultTypes: ['violations'], preload: false };
  // At the end: a bar that stays covers halves of what lies above, which axe takes for small.
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  const violations = await page.evaluate(check, { context, options });
  await page.evaluate('scrollTo(0, 0)');
  if (violations.length > 0) expect.fail(report(page.url(), violations));
}

/** It is large: a page that is looked at again, in other light, has it already. */
async function load(frame: Frame): Promise<void> {
  const isThere = await frame.evaluate(`typeof axe === 'object'`);
  if (!isThere) await frame.evaluate(`${program};undefined`);
}

/** Runs in the page, where the program above left `axe`. */
async function check(what: {
  context: string | undefined;
  options: RunOptions;
}): Promise<Result[]> {
  const { axe, document } = globalThis as unknown as AxePage;
  return (await axe.run(what.context ?? document, what.options)).violations;
}

function report(url: string, violations: Result[]): string {
  const count = violations.length === 1 ? '1 violation' : `${violations.length} violations`;
  return [`${count} of the accessibility rules at ${url}:`, ...violations.map(describe)].join('\n');
}

function describe({ id, impact, help, nodes }: Result): string {
  const places = nodes.map(({ target }) => `    ${target.join(' ')}`);
  return [`  ${id} (${impact ?? 'unknown'}): ${help}`, ...places].join('\n');
}
