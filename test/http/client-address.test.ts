// Whose word counts for where a request comes from.
import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import type { Config } from '../../src/config/schema.ts';
import { createClientAddress } from '../../src/http/client-address.ts';
import { rangeOf } from '../../src/lib/addresses.ts';

const TRUSTED = ['10.0.0.0/8', '192.0.2.9', '2001:db8:ffff::/48'];

function addressOf(peer: string | undefined, forwarded?: string, trusted = TRUSTED): string {
  const config = { trusted_proxies: trusted } as unknown as Config;
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded };
  const request = { socket: { remoteAddress: peer }, headers };
  return createClientAddress(config)(request as unknown as IncomingMessage);
}

describe('the client address', () => {
  const table: ReadonlyArray<
    readonly [title: string, peer: string | undefined, forwarded: string | undefined, is: string]
  > = [
    ['the peer', '203.0.113.5', undefined, '203.0.113.5'],
    ['an untrusted peer, whatever it forwards', '203.0.113.5', '198.51.100.1', '203.0.113.5'],
    ['what a trusted one adds', '10.0.0.1', '198.51.100.1', '198.51.100.1'],
    ['the right-most untrusted one', '10.0.0.1', '1.1.1.1, 198.51.100.1, 10.2.3.4', '198.51.100.1'],
    ['a single trusted address', '192.0.2.9', '198.51.100.1', '198.51.100.1'],
    ['a neighbour of it', '192.0.2.8', '198.51.100.1', '192.0.2.8'],
    ['a trusted IPv6 range', '2001:db8:ffff:1::2', '2001:DB8:0::1', '2001:db8:0:0:0:0:0:1'],
    ['a trusted peer in IPv6 form', '::ffff:10.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
    ['nothing forwarded', '10.0.0.1', undefined, '10.0.0.1'],
    ['nothing but trusted ones', '10.0.0.1', '10.3.3.3, 10.4.4.4', '10.3.3.3'],
    ['an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['garbage', '10.0.0.1', 'garbage', '10.0.0.1'],
    ['what stands left of garbage', '10.0.0.1', '198.51.100.1, unknown', '10.0.0.1'],
    ['garbage left of an address', '10.0.0.1', "<script>, '; drop, 198.51.100.1", '198.51.100.1'],
    ['numbers that other parsers read', '10.0.0.1', '0x7f.1', '10.0.0.1'],
    ['a bare number', '10.0.0.1', '2130706433', '10.0.0.1'],
    ['octal', '10.0.0.1', '010.0.0.1', '10.0.0.1'],
    ['a port', '10.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['a port after IPv6', '10.0.0.1', '[2001:db8::1]:4711', '2001:db8:0:0:0:0:0:1'],
    ['a zone', 'fe80::1%eth0', undefined, 'fe80:0:0:0:0:0:0:1'],
    ['a socket without a peer', undefined, '198.51.100.1', 'unknown'],
  ];
  for (const [title, peer, forwarded, is] of table) {
    it(`${title}: ${is}`, () => expect(addressOf(peer, forwarded)).to.equal(is));
  }

  it('so many hops are no proxies of ours', () => {
    const hops = (count: number) => `198.51.100.1${', 10.0.0.1'.repeat(count)}`;
    expect(addressOf('10.0.0.1', hops(31))).to.equal('198.51.100.1');
    expect(addressOf('10.0.0.1', hops(32))).to.equal('10.0.0.1');
    expect(addressOf('10.0.0.1', hops(1500))).to.equal('10.0.0.1');
  });

  it('without trusted proxies the header is not read', () => {
    expect(addressOf('127.0.0.1', '198.51.100.1', [])).to.equal('127.0.0.1');
  });
});

describe('the range of an address', () => {
  const bits = { ipv4: 24, ipv6: 64 };
  const table: ReadonlyArray<readonly [string, string]> = [
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:0:0:0:0/64'],
    ['2001:db8:1:3::', '2001:db8:1:3:0:0:0:0/64'],
    ['unknown', 'unknown'],
  ];
  for (const [address, range] of table) {
    it(`${address} lies in ${range}`, () => expect(rangeOf(address, bits)).to.equal(range));
  }

  it('may end inside a byte, or be the address itself', () => {
    expect(rangeOf('192.0.2.77', { ipv4: 28, ipv6: 56 })).to.equal('192.0.2.64/28');
    expect(rangeOf('2001:db8:1:2ff::', { ipv4: 28, ipv6: 56 })).to.equal(
      '2001:db8:1:200:0:0:0:0/56',
    );
    expect(rangeOf('192.0.2.77', { ipv4: 32, ipv6: 128 })).to.equal('192.0.2.77/32');
  });
});
