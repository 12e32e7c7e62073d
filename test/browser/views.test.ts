// The pages of the second factor and of the account, each by itself, with made-up data.
import { expect } from 'chai';
import type { BrowserContext, Page } from 'playwright-core';
import { sharedBrowser } from '../support/chromium.ts';
import { expectGoodLooks } from '../support/looks.ts';
import { expectPage } from './helpers.ts';
import { SAMPLES } from './view-samples.ts';
import { startViews, type ViewServer } from './view-server.ts';

/** The smallest phone on which the main button is seen without scrolling. */
const SMALLEST = { width: 360, height: 640 };

describe('the views', () => {
  let views: ViewServer;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];

  before(async () => {
    views = await startViews(SAMPLES);
    context = await (await sharedBrowser()).newContext({ reducedMotion: 'reduce' });
    context.on('weberror', (error) => faults.push(String(error.error())));
    context.on('console', (message) => {
      if (message.type() === 'error') faults.push(message.text());
    });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
  });
  beforeEach(() => {
    faults = [];
  });
  after(async () => {
    await context.close();
    views.stop();
  });

  const expectInSight = async (name: string) => {
    await page.setViewportSize(SMALLEST);
    const named = { name, exact: true };
    const main = page.getByRole('button', named).or(page.getByRole('link', named)).first();
    const box = await main.boundingBox();
    if (!box) throw new Error(`there is nothing to press named "${name}"`);
    expect(box.y).to.be.at.least(0);
    expect(box.y + box.height, 'end of the main button').to.be.at.most(SMALLEST.height);
    expect(box.height, 'height of the main button').to.be.at.least(44);
  };

  /** Nothing that a script, axe or a ruler finds. */
  const inspect = async (name: string) => {
    expect(await page.getByRole('heading', { level: 1 }).count(), 'headings').to.equal(1);
    await expectGoodLooks(page, `view-${name}`);
    expect(faults).to.deep.equal([]);
  };

  for (const [name, { heading, main }] of Object.entries(SAMPLES)) {
    it(name, async () => {
      await page.goto(`${views.url}/${name}`);
      await expectPage(page, heading);
      await inspect(name);
      if (main) await expectInSight(main);
    });
  }
});
