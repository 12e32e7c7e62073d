// Redirect URIs that no request can name: refused when they are registered, with what to do instead.
import { expect } from 'chai';
import { isPlainHttp, mistakeInRedirectUri } from '../../../src/domain/clients/redirect-uris.ts';
import { isGatehouseError } from '../../../src/lib/errors.ts';
import { type Gatehouse, startGatehouse } from '../../support/gatehouse.ts';

const HTTPS = 'https://app.example.com/cb';

/** Each with a word of its cure. */
const WRONG: ReadonlyArray<readonly [uri: string, cure: string]> = [
  ['', 'leave it out'],
  [' ', 'several'],
  [` ${HTTPS}`, 'several'],
  [`${HTTPS} `, 'several'],
  [`${HTTPS}\n`, 'several'],
  [`${HTTPS}\t`, 'several'],
  ['https://app.example.com/my app', '%20'],
  [`${HTTPS} https://b.example.com/cb`, 'several'],
  [`${HTTPS},https://b.example.com/cb`, 'several'],
  [`${HTTPS},`, 'several'],
  ['https://app.example.com/a,b', '%2C'],
  ['https://*.example.com/cb', 'each URI'],
  ['https://app.example.com/*', 'each URI'],
  ['*', 'each URI'],
  ['https:\\\\app.example.com\\cb', 'write "/"'],
  ['https://app.example.com\\cb', 'write "/"'],
  [`${HTTPS}#`, 'leave out "#"'],
  [`${HTTPS}#/login`, 'leave out "#"'],
  ['https://user@app.example.com/cb', 'start with the host'],
  ['https://user:secret@app.example.com/cb', 'start with the host'],
  ['https://app.example.com@evil.example.com/cb', 'start with the host'],
  ['https://bücher.example.com/cb', 'https://xn--bcher-kva.example.com/cb'],
  ['https://app.example.com/zurück', 'https://app.example.com/zur%C3%BCck'],
  ['https://app.example.com/cb?name="x"', '%22x%22'],
  [`"${HTTPS}"`, 'percent-encode'],
  [`<${HTTPS}>`, 'percent-encode'],
  ['https://<your-domain>/cb', 'fill in'],
  ['https://{tenant}.example.com/cb', 'fill in'],
  ['https://$HOST/cb', 'cannot exist'],
  ['https://app.example.com/%zz', '%25'],
  ['https://app.example.com/100%', '%25'],
  ['/callback', 'https://'],
  ['//app.example.com/cb', 'https://'],
  ['app.example.com/cb', 'https://'],
  ['localhost:3000/cb', 'https://localhost:3000/cb'],
  ['app.example.com:8443', 'https://app.example.com:8443'],
  ['https:/app.example.com/cb', 'two slashes'],
  ['https:app.example.com/cb', 'two slashes'],
  ['https:///cb', 'two slashes'],
  ['http://', 'two slashes'],
  ['https://app.example.com:99999/cb', '8443'],
  ['https://app.example.com:0/cb', '8443'],
  ['https://app.example.com:port/cb', '8443'],
  ['https://app..example.com/cb', '8443'],
  ['https://[::1/cb', '8443'],
  ['https://1.2.3.400/cb', '8443'],
  ['javascript:alert(1)', 'https'],
  ['data:text/html;base64', 'https'],
  ['file:///cb', 'https'],
  ['mailto:a@example.com', 'https'],
  ['wss://app.example.com/cb', 'https'],
  [`https://app.example.com/${'a'.repeat(2000)}`, 'state'],
];

const RIGHT = [
  HTTPS,
  'https://app.example.com',
  'https://app.example.com/',
  'https://app.example.com/index.php?/login',
  'https://app.example.com/cb?a=1&b=%2C&&c',
  "https://app.example.com/it's(a)$way;v=1/../x~y",
  'https://APP.example.com:8443/cb',
  'https://xn--bcher-kva.example.com/cb',
  'https://192.0.2.1/cb',
  'https://[2001:db8::1]:8443/cb',
  'https://my_host/cb',
  'http://localhost:3000/cb',
  'http://127.0.0.1/cb',
  'http://[::1]:3000/cb',
  'com.example.app:/callback',
  'com.example.app://callback',
  'myapp:callback',
];

describe('redirect URIs', () => {
  let gatehouse: Gatehouse;
  before(async () => {
    gatehouse = await startGatehouse();
  });
  after(() => gatehouse.stop());

  const register = async (metadata: object) => {
    const all = { client_name: 'App', redirect_uris: [HTTPS], ...metadata };
    try {
      await gatehouse.core.clients.create(all);
      return undefined;
    } catch (error) {
      if (isGatehouseError(error, 'invalid_input')) return error.message;
      throw error;
    }
  };

  for (const [uri, cure] of WRONG) {
    it(`${JSON.stringify(uri.slice(0, 60))} is refused`, async () => {
      expect(mistakeInRedirectUri(uri)).to.include(cure);
      for (const name of ['redirect_uris', 'post_logout_redirect_uris']) {
        const refusal = await register({ [name]: [HTTPS, uri] });
        expect(refusal)
          .to.match(new RegExp(`^${name}: "`))
          .and.include(cure);
      }
    });
  }

  for (const uri of RIGHT) {
    it(`${uri} is taken`, async () => {
      expect(mistakeInRedirectUri(uri)).to.equal(undefined);
      const kind = /^https?:/i.test(uri) ? {} : { application_type: 'native' };
      const metadata = { redirect_uris: [uri], post_logout_redirect_uris: [uri], ...kind };
      expect(await register(metadata)).to.equal(undefined);
    });
  }

  it('of plain http are told from those of a loopback address', () => {
    const elsewhere = ['http://app.example.com/cb', 'http://0.0.0.0/cb', 'http://localhost.a.b/'];
    for (const uri of elsewhere) expect(isPlainHttp(uri), uri).to.equal(true);
    for (const uri of RIGHT) expect(isPlainHttp(uri), uri).to.equal(false);
  });

  it('that an earlier release took stand in the way of no other change, and take no company', async () => {
    const { store, clients } = gatehouse.core;
    const { client } = await clients.create({ client_name: 'Old', redirect_uris: [HTTPS] });
    const old = { ...client.metadata, redirect_uris: ['https://*.example.com/cb'] };
    const row = store.sql('clients').where({ id: client.id });
    await store.write(store.compile(row.update({ metadata: JSON.stringify(old) }), 1));
    const renamed = await clients.update(client.id, { client_name: 'New' });
    expect(renamed.changed).to.deep.equal(['client_name']);
    const more = { redirect_uris: ['https://*.example.com/cb', 'https://a.example.com/*'] };
    const refused = await clients.update(client.id, more).catch((error: Error) => error.message);
    expect(refused).to.include('"https://a.example.com/*" contains "*"');
  });
});
