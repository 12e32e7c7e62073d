// Calls that leave the house, and the addresses they never reach.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { isPublic } from '../../src/lib/addresses.ts';
import { createOutgoing, type OutgoingRequest } from '../../src/lib/outgoing.ts';

const PRIVATE = [
  '127.0.0.1',
  '127.8.8.8',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '192.0.2.1',
  '198.18.0.1',
  '::1',
  '::',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  'fc00::1',
  'fd12:3456::1',
  'fe80::1',
  'fec0::1',
  'ff02::1',
  '64:ff9b::7f00:1',
  '2002:7f00:1::',
  '2001:db8::1',
  'localhost',
  '',
];

describe('an address', () => {
  for (const address of PRIVATE) {
    it(`"${address}" is not public`, () => expect(isPublic(address)).to.equal(false));
  }
  for (const address of ['1.1.1.1', '93.184.215.14', '2606:4700::1111', '2a00:1450:4001::1']) {
    it(`"${address}" is public`, () => expect(isPublic(address)).to.equal(true));
  }
});

describe('an outgoing call', () => {
  let server: Server;
  let port: number;
  let heard: string[];
  before(async () => {
    server = createServer((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      if (request.url === '/hang') return;
      const location = { location: '/elsewhere' };
      response.writeHead(request.url === '/redirect' ? 302 : 200, location).end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    port = (server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    heard = [];
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const failClosed = createOutgoing({ allow_private: false, timeout: 5 });
  const open = createOutgoing({ allow_private: true, timeout: 1 });

  for (const host of [
    'localhost',
    '127.0.0.1',
    '127.1',
    '0x7f000001',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '0',
  ]) {
    it(`does not even connect to ${host}`, async () => {
      let connections = 0;
      const count = () => {
        connections += 1;
      };
      server.on('connection', count);
      const refused = await failClosed(`http://${host}:${port}/`).catch((error: unknown) => error);
      server.off('connection', count);
      expect(refused).to.be.instanceOf(Error);
      expect((refused as Error).message).to.include('outgoing.allow_private');
      expect(connections).to.equal(0);
    });
  }

  it('brings no dispatcher of the caller along', async () => {
    const dispatcher = { dispatch: () => expect.fail('another dispatcher') };
    const request: OutgoingRequest & { dispatcher: unknown } = { dispatcher };
    const answer = await open(`http://localhost:${port}/`, request, 2);
    expect(await answer.text()).to.equal('ok');
  });

  it('takes a redirect as the answer', async () => {
    const answer = await open(`http://localhost:${port}/redirect`);
    expect(answer.status).to.equal(302);
    expect(heard).to.deep.equal(['GET /redirect']);
  });

  it('ends after its time', async () => {
    const late = await open(`http://localhost:${port}/hang`).catch((error: unknown) => error);
    expect(late).to.include({ code: 'ETIMEDOUT' });
    expect((late as Error).message).to.equal(`localhost:${port}: no answer within 1 s (ETIMEDOUT)`);
  });
});
