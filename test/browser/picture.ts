// Makes docs/sign-in.png, the picture in the README, anew: `node test/browser/picture.ts`
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../src/lib/root.ts';
import { closeBrowser, sharedBrowser } from '../support/chromium.ts';
import { startGatehouse } from '../support/gatehouse.ts';
import { askToSignIn, createParty, expectPage, startApp } from './helpers.ts';

const gatehouse = await startGatehouse();
const app = await startApp();
const party = await createParty(gatehouse, app);
const browser = await sharedBrowser();
const page = await browser.newPage({
  viewport: { width: 1280, height: 800 },
  colorScheme: 'light',
  reducedMotion: 'reduce',
});
await askToSignIn(page, app, party);
await expectPage(page, 'Sign in');
await page.screenshot({ path: join(PROJECT_ROOT, 'docs/sign-in.png'), caret: 'hide' });
await closeBrowser();
app.stop();
await gatehouse.stop();
