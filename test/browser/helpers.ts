// What the browser tests share: an application to come back to, and the steps of a sign-in.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import type { Gatehouse } from '../support/gatehouse.ts';
import { createRelyingParty, type Person, type RelyingParty } from '../support/relying-party.ts';

/** An application on an origin of its own, which shows what it was sent. */
export interface App {
  readonly origin: string;
  readonly redirectUri: string;
  stop(): void;
}

/** What a browser brought to the application. */
export interface Answer {
  readonly method: string;
  readonly path: string;
  readonly fields: Readonly<Record<string, string>>;
}

export async function startApp(): Promise<App> {
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app');
    const fields = Object.fromEntries([...searchParams, ...new URLSearchParams(body)]);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(appPage({ method: request.method ?? '', path: pathname, fields }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin, redirectUri: `${origin}/callback`, stop };
}

function appPage(answer: Answer): string {
  const text = JSON.stringify(answer).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<!doctype html><html lang="en"><head><title>Test App</title><link rel="icon" href="data:,">
    </head><body><h1>Test App</h1><pre>${text}</pre></body></html>`;
}

/** Waits until the browser is at the application. */
export async function answerAt(page: Page, app: App): Promise<Answer> {
  await page.waitForURL((url) => url.origin === app.origin);
  return JSON.parse((await page.locator('pre').textContent()) ?? '');
}

/** A client of the name that the demo has too, so that pages look as people see them first. */
export function createParty(
  gatehouse: Pick<Gatehouse, 'core' | 'url'>,
  app: App,
  metadata: Record<string, unknown> = {},
): Promise<RelyingParty> {
  return createRelyingParty(gatehouse, {
    metadata: {
      client_name: 'Example App',
      client_uri: `${app.origin}/`,
      redirect_uris: [app.redirectUri],
      post_logout_redirect_uris: [`${app.origin}/`],
      ...metadata,
    },
  });
}

/** Goes where the application would send the browser. @returns the verifier of its code */
export async function askToSignIn(
  page: Page,
  app: App,
  party: RelyingParty,
  parameters: Record<string, string> = {},
): Promise<string> {
  const { url, verifier } = party.url({ redirect_uri: app.redirectUri, ...parameters });
  await page.goto(url);
  return verifier;
}

export async function signIn(page: Page, { email, password }: Omit<Person, 'id'>): Promise<void> {
  await page.getByLabel('Email', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await press(page, 'Sign in');
}

export function press(page: Page, name: string): Promise<void> {
  return page.getByRole('button', { name, exact: true }).click();
}

/** Waits for the page of this heading, to its end: what counts or reads next may stand there. */
export async function expectPage(page: Page, heading: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name: heading, exact: true }).waitFor();
  await page.waitForLoadState('domcontentloaded');
}

/** Browsers give the focus a moment after the page is there; what is typed before goes nowhere. */
export async function expectFocus(page: Page, name: string): Promise<void> {
  await page.getByLabel(name, { exact: true }).and(page.locator(':focus')).waitFor();
}

/** The text of the page's only alert. */
export async function alertText(page: Page): Promise<string> {
  return plain(await page.getByRole('alert').textContent());
}

/** All text between the page's header and its footer. */
export async function mainText(page: Page): Promise<string> {
  return plain(await page.getByRole('main').textContent());
}

function plain(text: string | null): string {
  return (text ?? '').replace(/\s+/g, ' ').trim();
}

export interface DeviceCode {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
  readonly verification_uri_complete: string;
}

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** What a device without a browser asks for. */
export async function askForDevice(
  gatehouse: Pick<Gatehouse, 'url'>,
  clientId: string,
): Promise<DeviceCode> {
  const response = await fetch(`${gatehouse.url}/device/authorize`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, scope: 'openid email' }),
  });
  if (!response.ok) throw new Error(`no device code: ${await response.text()}`);
  return (await response.json()) as DeviceCode;
}

/** A client on a device: public, without an address to come back to. */
export function createDeviceParty(gatehouse: Gatehouse, app: App): Promise<RelyingParty> {
  return createParty(gatehouse, app, {
    client_name: 'Example TV',
    token_endpoint_auth_method: 'none',
    grant_types: [DEVICE_GRANT, 'refresh_token'],
    response_types: [],
    redirect_uris: [],
    post_logout_redirect_uris: [],
  });
}
