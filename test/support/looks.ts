// A page on a phone and a desktop, by day and by night: for axe each time, and for people if asked.
import { join } from 'node:path';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { expectAccessible } from './axe.ts';

export const SIZES = {
  phone: { width: 360, height: 800 },
  desktop: { width: 1280, height: 800 },
} as const;

/** Nothing that axe finds in any of its looks, or that is wider than a phone. */
export async function expectGoodLooks(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await expectAccessible(page);
      await keepPicture(page, `${name}-${size}-${colorScheme}`, size === 'phone');
    }
  }
  await page.setViewportSize(SIZES.phone);
  const width = await page.evaluate('document.scrollingElement.scrollWidth');
  expect(width, 'width on a phone').to.equal(SIZES.phone.width);
}

/** With PICTURES=1, in test/screenshots; with PICTURES=full none ends at the edge of the screen. */
export async function keepPicture(page: Page, name: string, fullPage: boolean): Promise<void> {
  const asked = process.env.PICTURES;
  if (!asked) return;
  const path = join(PROJECT_ROOT, 'test/screenshots', `${name}.png`);
  await page.screenshot({ path, fullPage: fullPage || asked === 'full' });
}
