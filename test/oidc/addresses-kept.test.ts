// Addresses of relying parties come back byte for byte, in whatever way the answer goes.
import { expect } from 'chai';
import { type Gatehouse, startGatehouse } from '../support/gatehouse.ts';
import {
  createPerson,
  createRelyingParty,
  type Person,
  type RelyingParty,
  signInAt,
} from '../support/relying-party.ts';
import {
  createWeb,
  decodeEntities,
  findForm,
  type Page,
  titleOf,
  type Web,
} from '../support/web.ts';

/** A parser writes each of them another way. */
const ADDRESSES = [
  'https://app.example.com/index.php?/login',
  'https://app.example.com/cb?a=b%20c&d=%7e&e',
  'https://app.example.com/cb?x=1&x=2+3&',
  'https://app.example.com/cb?',
  'https://APP.example.com:443/a/../cb',
  "https://app.example.com/it's?q='",
  'https://app.example.com',
] as const;

describe('the address of a relying party', () => {
  let gatehouse: Gatehouse;
  let party: RelyingParty;
  let person: Person;
  let web: Web;

  before(async () => {
    gatehouse = await startGatehouse();
    party = await createRelyingParty(gatehouse, {
      metadata: { redirect_uris: [...ADDRESSES], post_logout_redirect_uris: [...ADDRESSES] },
    });
    person = await createPerson(gatehouse);
    web = createWeb(gatehouse.url);
    await signInAt(web, await web.get(party.url({ redirect_uri: ADDRESSES[0] }).url), person);
  });
  after(() => gatehouse.stop());

  const locationOf = ({ status, headers }: Page) => {
    expect(status).to.equal(303);
    return headers.get('location') ?? '';
  };
  const ask = (uri: string, more = {}) =>
    web.once(party.url({ redirect_uri: uri, state: 's s', ...more }).url);
  const joinedTo = (uri: string) => {
    const sign = /[?&]$/.test(uri) ? '' : uri.includes('?') ? '&' : '?';
    return `${uri}${sign}`;
  };

  for (const uri of ADDRESSES) {
    it(`${uri} gets codes and errors in its query`, async () => {
      const code = locationOf(await ask(uri));
      expect(code).to.match(/[?&]code=[\w-]+&state=s\+s&iss=http[^&]*$/);
      expect(code.slice(0, code.indexOf('code='))).to.equal(joinedTo(uri));
      const error = locationOf(await ask(uri, { prompt: 'none', max_age: '0' }));
      expect(error.startsWith(`${joinedTo(uri)}error=login_required&`), error).to.equal(true);
      const early = locationOf(await ask(uri, { code_challenge: undefined }));
      expect(early.startsWith(`${joinedTo(uri)}error=`), early).to.equal(true);
    });

    it(`${uri} gets them as a fragment and by a form`, async () => {
      const fragment = locationOf(await ask(uri, { response_mode: 'fragment' }));
      expect(fragment.startsWith(`${uri}#code=`), fragment).to.equal(true);
      const page = await ask(uri, { response_mode: 'form_post' });
      const action = /<form[^>]*action="([^"]*)"/.exec(page.text)?.[1] ?? '';
      expect(decodeEntities(action)).to.equal(uri);
    });

    it(`${uri} is where people go after they have signed out, and where they stay signed in`, async () => {
      const draining = web.copy();
      const query = new URLSearchParams({
        client_id: party.id,
        post_logout_redirect_uri: uri,
        state: 's s',
      });
      const address = `${gatehouse.url}/sign-out?${query}`;
      const page = await draining.get(address);
      expect(titleOf(page)).to.equal('Sign out');
      const back = `${joinedTo(uri)}state=s+s`;
      expect(staysAt(page)).to.equal(back);
      const nobody = createWeb(gatehouse.url);
      expect(locationOf(await nobody.once(address)), 'without a session').to.equal(back);
      const { action, fields } = findForm(page, '/confirm');
      const form = { method: 'POST', body: new URLSearchParams({ ...fields, logout: 'yes' }) };
      expect(locationOf(await draining.once(action, form))).to.equal(back);
      await signInAt(web, await web.get(party.url({ redirect_uri: uri }).url), person);
    });
  }

  it('is compared to the letter', async () => {
    for (const other of [
      'https://app.example.com/index.php?%2Flogin',
      'https://app.example.com/index.php?/login=',
      'https://app.example.com/index.php',
      'https://app.example.com/',
      'https://app.example.com/cb',
    ]) {
      const page = await ask(other);
      expect([page.status, page.headers.get('location')], other).to.deep.equal([400, null]);
    }
  });

  it('is redeemed as it was asked for', async () => {
    const [uri] = ADDRESSES;
    const request = party.url({ redirect_uri: uri });
    const code = new URL(locationOf(await web.once(request.url))).searchParams.get('code') ?? '';
    const answer = await party.token({
      grant_type: 'authorization_code',
      code,
      redirect_uri: uri,
      code_verifier: request.verifier,
    });
    expect(answer.status).to.equal(200);
  });
});

/** Where `Stay signed in` leads, be it a link or a form. */
function staysAt(page: Page): string {
  const link = /<a class="button button-plain" href="([^"]*)"/.exec(page.text)?.[1];
  if (link !== undefined) return decodeEntities(link);
  const [, action = '', body = ''] =
    /<form[^>]*method="get" action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/.exec(page.text) ?? [];
  const inputs = [...body.matchAll(/name="([^"]*)" value="([^"]*)"/g)];
  const fields = inputs.map(
    ([, name = '', value = '']) => [name, decodeEntities(value)] as [string, string],
  );
  return `${decodeEntities(action)}?${new URLSearchParams(fields)}`;
}
