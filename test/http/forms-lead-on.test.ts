// Every form of ours is answered with a redirect, whatever was sent: Reload finds nothing to send again.
import { expect } from 'chai';
import { openAccount } from '../support/account-page.ts';
import { createEnrolledPerson, type EnrolledPerson } from '../support/enrolled-person.ts';
import { type Gatehouse, startGatehouse, WITH_FACTOR } from '../support/gatehouse.ts';
import { createRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { askForLink } from '../support/reset-link.ts';
import { ownRoutes } from '../support/routes.ts';
import { createWeb, type Page, type Web } from '../support/web.ts';

/** Called by programs, which send nothing again by themselves. */
const NO_FORMS = [/^\/v1\//, /^\/test\/clock$/, /\/check$/];
/** No factor of this kind is switched on here, and so no page has a form for it. */
const NO_PAGES = [/\/(send|begin)\/aaaaaaaa$/];
/** Last of all: nobody is signed in afterwards. */
const ENDS = [/sign-out/, /\/sessions\//];

const RUBBISH = { email: 'x', password: 'y', code: 'z', new_password: 'a', device_name: ' ' };

interface Opened {
  readonly web: Web;
  readonly csrf: string;
  readonly path: string;
}

const isAny = (all: readonly RegExp[], path: string) => all.some((each) => each.test(path));
const tokenOn = ({ text }: Page) => /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';

describe('a form that is sent', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: EnrolledPerson;
  let account: { web: Web; page: Page };
  before(async () => {
    gatehouse = await startGatehouse({ env: WITH_FACTOR });
    party = await createRelyingParty(gatehouse);
    person = await createEnrolledPerson(gatehouse, party);
    account = await openAccount(gatehouse, person);
  });
  after(() => gatehouse.stop());

  const openSignIn = async (path: string): Promise<Opened> => {
    const web = createWeb(gatehouse.url);
    const page = await web.get(party.url().url);
    const own = path.replace('/sign-in/aaaaaaaa', page.url.pathname);
    return { web, csrf: tokenOn(page), path: own.replace('prove/aaaaaaaa', 'prove/password') };
  };
  const openOwn = (path: string): Opened => {
    const [, named = ''] =
      /\/authenticators\/([\w-]+\/[\w-]+)\/rename/.exec(account.page.text) ?? [];
    const own = path.replace('add/aaaaaaaa', 'add/totp').replace('aaaaaaaa/aaaaaaaa', named);
    return { ...account, csrf: tokenOn(account.page), path: own };
  };
  const openReset = async (path: string): Promise<Opened> => {
    const web = createWeb(gatehouse.url);
    const page = await web.submit(await web.get(await askForLink(gatehouse, person.email)), '');
    return { web, csrf: tokenOn(page), path };
  };
  const openStranger = async (path: string): Promise<Opened> => {
    const web = createWeb(gatehouse.url);
    return { web, csrf: tokenOn(await web.get(`${gatehouse.url}/forgot-password`)), path };
  };
  const open = (path: string) => {
    if (path.startsWith('/sign-in/')) return openSignIn(path);
    if (path.startsWith('/account/')) return openOwn(path);
    return path === '/reset-password' ? openReset(path) : openStranger(path);
  };

  const send = async (path: string, fields: object) => {
    const opened = await open(path);
    const body = new URLSearchParams({ ...fields, csrf: opened.csrf }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const address = `${gatehouse.url}${opened.path}`;
    return opened.web.once(address, { method: 'POST', headers, body });
  };

  it('leads on, empty or with rubbish in it, at every address', async () => {
    const posts = ownRoutes(gatehouse.core.app).filter(({ method }) => method === 'POST');
    const paths = posts
      .map(({ path }) => path.replace(/(.)\/$/, '$1'))
      .filter((path) => !isAny([...NO_FORMS, ...NO_PAGES], path))
      .sort((a, b) => Number(isAny(ENDS, a)) - Number(isAny(ENDS, b)));
    expect(paths.length).to.be.greaterThan(25);
    for (const path of paths) {
      for (const fields of [{}, RUBBISH]) {
        const { status, headers } = await send(path, fields);
        expect(status, `POST ${path}`).to.equal(303);
        if (isAny(ENDS, path)) continue;
        expect(headers.get('location'), `POST ${path}`).not.to.match(/authorize\?/);
      }
    }
  });
});
