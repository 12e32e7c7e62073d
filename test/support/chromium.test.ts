// Proves that a browser renders and clicks, that axe finds faults and that the network is shut.
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect } from 'chai';
import type { Page } from 'playwright-core';
import { expectAccessible } from './axe.ts';
import { closeBrowser, sharedBrowser } from './chromium.ts';
import { refuseNetwork } from './network.ts';

const policy = "default-src 'none'; script-src 'self'; require-trusted-types-for 'script'";
const script = `
  document.querySelector('button').addEventListener('click', () => {
    document.querySelector('output').textContent = 'clicked';
  });`;

const document = (body: string) => `<!doctype html>
  <html lang="en">
    <head><title>Test page</title><script src="/script.js" defer></script></head>
    <body>${body}</body>
  </html>`;

const pages: Record<string, string> = {
  '/': document(`<main>
    <h1>Hello, browser</h1> <button type="button">Press</button> <output></output>
  </main>`),
  '/faulty': document('<h1>Hello</h1> <img src="/none.png"> <p id="rest">Text</p>'),
};

async function startSite(): Promise<Server> {
  const server = createServer((request, response) => {
    const page = pages[request.url ?? ''];
    const type = page ? 'text/html; charset=utf-8' : 'text/javascript';
    response.setHeader('content-type', type).setHeader('content-security-policy', policy);
    response.end(page ?? script);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('It did not fail');
}

describe('test support: Chromium', function () {
  this.timeout(120_000);
  let site: Server;
  let origin: string;
  let page: Page;

  before(async () => {
    site = await startSite();
    origin = `http://localhost:${(site.address() as AddressInfo).port}`;
    page = await (await sharedBrowser()).newPage({ viewport: { width: 400, height: 200 } });
  });

  after(async () => {
    await closeBrowser();
    site.closeAllConnections();
    site.close();
  });

  it('is one browser for all tests of a run', async () => {
    expect(await sharedBrowser()).to.equal(page.context().browser());
  });

  it('renders a page with text and clicks a button', async () => {
    await page.goto(origin);
    const heading = page.getByRole('heading', { name: 'Hello, browser' });
    expect((await heading.boundingBox())?.width).to.be.greaterThan(100);
    await page.getByRole('button', { name: 'Press' }).click();
    expect(await page.locator('output').textContent()).to.equal('clicked');
  });

  it('finds nothing on an accessible page, under a strict policy for scripts', async () => {
    const response = await page.goto(origin);
    expect(response?.headers()['content-security-policy']).to.equal(policy);
    await expectAccessible(page);
  });

  it('finds an image without alternative text', async () => {
    await page.goto(`${origin}/faulty`);
    const { message } = await failure(expectAccessible(page));
    expect(message).to.include(`accessibility rules at ${origin}/faulty:\n`);
    expect(message).to.match(/^ {2}image-alt \(critical\): .+\n {4}img$/m);
  });

  it('finds faults of the page as a whole', async () => {
    await page.goto(`${origin}/faulty`);
    const { message } = await failure(expectAccessible(page));
    expect(message).to.match(/^ {2}landmark-one-main \(moderate\): .+\n {4}html$/m);
  });

  it('checks a part of a page alone', async () => {
    await page.goto(`${origin}/faulty`);
    await expectAccessible(page, '#rest');
  });
});

describe('test support: network', () => {
  let server: Server;
  let port: number;

  before(async () => {
    refuseNetwork();
    server = await startSite();
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  for (const host of ['127.0.0.1', 'localhost']) {
    it(`lets ${host} pass`, async () => {
      const response = await fetch(`http://${host}:${port}/`);
      expect(await response.text()).to.include('Hello, browser');
    });
  }

  for (const host of ['192.0.2.1', '[2001:db8::1]', 'example.org']) {
    it(`refuses ${host} to fetch`, async () => {
      const { cause } = await failure(fetch(`https://${host}/`));
      const plain = host.replace(/[[\]]/g, '');
      expect(cause).to.have.property('message', `network refused in tests: ${plain}:443`);
    });
  }

  it('refuses a bare socket', async () => {
    const error = await failure(once(connect(25, 'example.org'), 'connect'));
    expect(error.message).to.equal('network refused in tests: example.org:25');
  });

  it('goes by the address where a test gives a name its own', async () => {
    const lookup = (address: string) => ({
      port,
      host: 'example.org',
      lookup: (_: string, __: object, done: CallableFunction) =>
        done(null, [{ address, family: 4 }]),
    });
    await once(connect(lookup('127.0.0.1')).end(), 'connect');
    const error = await failure(once(connect(lookup('192.0.2.1')), 'connect'));
    expect(error.message).to.equal(`network refused in tests: 192.0.2.1:${port}`);
  });

  it('refuses to look up other names', async () => {
    expect(await dns.promises.lookup('localhost')).to.have.property('address');
    for (const look of [dns.promises.lookup, dns.promises.resolveTxt]) {
      const { message } = await failure(look('example.org'));
      expect(message).to.match(/^network refused in tests: example\.org:53/);
    }
  });
});
