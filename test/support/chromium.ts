// Starts a Chromium for the tests: the one that npm installs, or else one of the system.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { cachedFolder } from './postgres.ts';

type Program = { executablePath: string; env: NodeJS.ProcessEnv };

const installedPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** The sandbox needs rights that containers and root lack; most others save needless traffic. */
const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-gpu',
];

/**
 * Chromium adds the first two variables to its environment when its threads already read it, which
 * now and then ends it with a segmentation fault; where they are set beforehand, nothing is added.
 * Without a language of the machine it speaks one that its own Intl refuses.
 */
const settled = {
  ...process.env,
  DBUS_SESSION_BUS_ADDRESS: 'disabled:',
  FC_FONTATIONS: '1',
  LC_ALL: 'en_US.UTF-8',
};

let shared: Promise<Browser> | undefined;

/** The browser that all tests of one run share; the first call starts it. */
export function sharedBrowser(): Promise<Browser> {
  shared ??= launchChromium().catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  return shared;
}

/** Closes the shared browser, if any; a later call of `sharedBrowser` starts a new one. */
export async function closeBrowser(): Promise<void> {
  const browser = shared;
  shared = undefined;
  await (await browser)?.close();
}

/**
 * Starts a browser of its own. CHROMIUM_PATH chooses another than the bundled one, which is the same
 * on every machine, and built for work without a screen: a sign-in costs it a third of the time.
 * Where libsqlite3 is missing, it cannot check certificates and ends at the first https page, unless
 * --ignore-certificate-errors-spki-list=<base64 of the key's SHA-256> is among the extra flags.
 */
export async function launchChromium(extraFlags: string[] = []): Promise<Browser> {
  // Large, and most files of tests need no browser.
  const { chromium } = await import('playwright-core');
  const program = chosenProgram() ?? (await bundledProgram()) ?? installedProgram();
  return chromium.launch({ ...program, args: [...flags, ...extraFlags], headless: true });
}

function chosenProgram(): Program | undefined {
  const executablePath = process.env.CHROMIUM_PATH;
  if (!executablePath) return undefined;
  if (existsSync(executablePath)) return { executablePath, env: settled };
  throw new Error(`CHROMIUM_PATH: there is no ${executablePath}`);
}

function installedProgram(): Program {
  const executablePath = installedPlaces.find((path) => existsSync(path));
  if (executablePath) return { executablePath, env: settled };
  throw new Error('The bundled Chromium is for Linux on x64: install one, or set CHROMIUM_PATH');
}

/** The browser of @sparticuz/chromium, with the libraries and the font that come with it. */
async function bundledProgram(): Promise<Program | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const entry = import.meta.resolve('@sparticuz/chromium');
  const about = await readFile(new URL('../../package.json', entry), 'utf8');
  const folder = await cachedFolder(`chromium-${JSON.parse(about).version}`, unpack);
  return { executablePath: join(folder, 'chromium'), env: bundledEnvironment(folder) };
}

function bundledEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    ...settled,
    LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
    FONTCONFIG_FILE: join(folder, 'fonts', 'fonts.conf'),
  };
}

/**
 * The package unpacks itself into the temporary folder, with its libraries only on a host that it
 * knows to lack them; so it runs in a process with another such folder and the mark of such a host.
 */
async function unpack(folder: string, home: string): Promise<void> {
  const script = `
    import chromium from '@sparticuz/chromium';
    await chromium.executablePath();`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x' },
  });
  await writeFile(join(folder, 'fonts', 'fonts.conf'), fontSettings(home));
}

/** Only the bundled font, so that pages look the same everywhere. */
function fontSettings(home: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(home, 'fonts', 'fonts')}</dir>
  <cachedir>${join(home, 'fonts-cache')}</cachedir>
</fontconfig>
`;
}
