// A browser without a screen: cookies, forms and redirects as a person's would do them.

export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly host: string;
  readonly expires: number | undefined;
}

export interface Web {
  /** Follows redirects as long as they stay on `home`. */
  get(url: string | URL, headers?: Record<string, string>): Promise<Page>;
  post(
    url: string | URL,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Page>;
  /** Sends the form of a page whose action ends in `action`, with what is typed over its fields. */
  submit(page: Page, action: string, fields?: Record<string, string>): Promise<Page>;
  /** The second screen of setting up an authenticator. */
  next(page: Page): Promise<Page>;
  /** One request, no redirect followed. */
  once(url: string | URL, init?: RequestInit): Promise<Page>;
  cookies(): Cookie[];
  /** What this browser would send to an address. */
  cookieHeader(url: string | URL): string;
  copy(): Web;
  clear(match?: (cookie: Cookie) => boolean): void;
}

const FOLLOWED = 12;

/**
 * @param home redirects to other origins are not followed: the page tells where they lead
 * @param pause waited for before each request
 * @param door where requests to `home` really go, as behind a proxy that ends TLS
 */
export function createWeb(
  home: string,
  before: readonly Cookie[] = [],
  pause: () => Promise<void> = async () => undefined,
  door = home,
): Web {
  let jar: Cookie[] = [...before];

  const cookieHeader = (target: string | URL) => {
    const url = new URL(target);
    return jar
      .filter((cookie) => cookie.host === url.hostname && covers(cookie.path, url.pathname))
      .map((cookie) => `${cookie.name}=${cookie.value}`)
      .join('; ');
  };

  const keep = (url: URL, lines: readonly string[]) => {
    for (const line of lines) {
      const cookie = parseCookie(line, url);
      jar = jar.filter((other) => other.name !== cookie.name || other.path !== cookie.path);
      const gone =
        cookie.value === '' || (cookie.expires ?? Number.POSITIVE_INFINITY) <= Date.now();
      if (!gone) jar.push(cookie);
    }
  };

  const once = async (target: string | URL, init: RequestInit = {}): Promise<Page> => {
    await pause();
    const url = new URL(target);
    const headers = new Headers({ accept: 'text/html', ...(init.headers as object) });
    const cookie = cookieHeader(url);
    if (cookie && !headers.has('cookie')) headers.set('cookie', cookie);
    const isHome = url.origin === new URL(home).origin;
    // As it stands: a path may begin with two slashes.
    const sent = isHome ? `${new URL(door).origin}${url.pathname}${url.search}` : url;
    const response = await fetch(sent, { ...init, headers, redirect: 'manual' });
    keep(url, response.headers.getSetCookie());
    const text = await response.text();
    return { url, status: response.status, headers: response.headers, text };
  };

  const follow = async (page: Page, left = FOLLOWED): Promise<Page> => {
    const location = page.headers.get('location');
    if (!location || page.status < 300 || page.status >= 400) return page;
    const target = new URL(location, page.url);
    // A node that was asked by its own address answers with addresses that begin with a slash.
    const isHere = [new URL(home).origin, page.url.origin].includes(target.origin);
    if (!isHere) return { ...page, url: target };
    if (left === 0) throw new Error(`redirects without end, now at ${target}`);
    return follow(await once(target), left - 1);
  };

  const post: Web['post'] = async (url, fields, headers = {}) => {
    const body = new URLSearchParams(fields);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const init = { method: 'POST', body: body.toString(), headers: { ...form, ...headers } };
    const answer = await once(url, init);
    if (answer.headers.get('content-type')?.startsWith('text/html') && hasForm(answer, '')) {
      throw new Error(`${url} answered a form with a page: Reload would send it again`);
    }
    return follow(answer);
  };

  const next = (page: Page): Promise<Page> => {
    const screen = new URL(page.url);
    screen.searchParams.set('screen', 'code');
    return once(screen).then((shown) => follow(shown));
  };

  /** The page itself, or what `Next` leads to where the form stands there. */
  const screenWith = async (page: Page, action: string): Promise<Page> =>
    page.text.includes(NEXT) && !hasForm(page, action) ? next(page) : page;

  return {
    once,
    post,
    next,
    cookieHeader,
    get: async (url, headers = {}) => follow(await once(url, { headers })),
    submit: async (page, action, fields = {}) => {
      const form = findForm(await screenWith(page, action), action);
      return post(form.action, { ...form.fields, ...fields });
    },
    cookies: () => [...jar],
    copy: () => createWeb(home, jar, pause, door),
    clear: (match = () => true) => {
      jar = jar.filter((cookie) => !match(cookie));
    },
  };
}

function covers(path: string, pathname: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`);
}

function parseCookie(line: string, url: URL): Cookie {
  const [pair = '', ...attributes] = line.split(/;\s*/);
  const equals = pair.indexOf('=');
  const attribute = (name: string) =>
    attributes.find((each) => each.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
  const expires = attribute('expires');
  return {
    name: pair.slice(0, equals),
    value: pair.slice(equals + 1),
    path: attribute('path') ?? '/',
    host: url.hostname,
    expires: expires ? Date.parse(expires) : undefined,
  };
}

interface FoundForm {
  readonly action: URL;
  readonly fields: Record<string, string>;
}

const NEXT = '<input type="hidden" name="screen" value="code">';

function hasForm(page: Page, action: string): boolean {
  const all = [...page.text.matchAll(/<form[^>]* method="post" action="([^"]*)"/g)];
  return all.some(([, to = '']) => new URL(decodeEntities(to), page.url).pathname.endsWith(action));
}

/** The hidden inputs of a form and where it goes. */
export function findForm(page: Page, action: string): FoundForm {
  for (const [, attributes = '', body = ''] of page.text.matchAll(
    /<form([^>]*)>([\s\S]*?)<\/form>/g,
  )) {
    if (attributes.includes('method="get"')) continue;
    const target = decodeEntities(/action="([^"]*)"/.exec(attributes)?.[1] ?? '');
    if (!new URL(target, page.url).pathname.endsWith(action)) continue;
    return { action: new URL(target, page.url), fields: hiddenInputs(body) };
  }
  throw new Error(`no form for ${action} on ${page.url} (${page.status}): ${titleOf(page)}`);
}

function hiddenInputs(html: string): Record<string, string> {
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)];
  return Object.fromEntries(
    inputs.map(([, name = '', value = '']) => [name, decodeEntities(value)]),
  );
}

export function decodeEntities(text: string): string {
  return text
    .replaceAll('&#34;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** The text of the page's h1. */
export function titleOf(page: Page): string {
  return decodeEntities(/<h1[^>]*>([^<]*)</.exec(page.text)?.[1] ?? '').trim();
}

/** The text of the page's alert, without its tags. */
export function alertOf(page: Page): string {
  const html = /role="alert"[^>]*>([\s\S]*?)<\/div>\s*(<\/div>)?/.exec(page.text)?.[1] ?? '';
  return decodeEntities(html.replace(/<[^>]+>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
}
