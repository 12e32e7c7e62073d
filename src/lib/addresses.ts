// Network addresses: one spelling for each, the range it lies in, and whether a list covers it.
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

export type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Undefined for what is no address. An IPv4 address that is mapped into IPv6 is an IPv4 address. */
export function parseAddress(text: string): Address | undefined {
  const bare = withoutPort(text.trim());
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare.replace(/%.*/, ''));
}

/** Some proxies write `192.0.2.1:4711` and `[2001:db8::1]:4711`. */
function withoutPort(text: string): string {
  return /^\[(.+)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^([\d.]+):\d+$/, '$1');
}

export type Subnet = readonly [network: Address, bits: number];

/** @param text an address, or a range as `10.0.0.0/8`; throws for anything else */
export function parseSubnet(text: string): Subnet {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.process(text);
  return [address, bitsOf(address)];
}

export function isWithin(address: Address, subnets: readonly Subnet[]): boolean {
  return subnets.some(
    ([network, bits]) => network.kind() === address.kind() && address.match([network, bits]),
  );
}

const RANGE = /^([^/%\s]+)(?:\/(\d{1,3}))?$/;

/** `10.0.0.0/8`, in one spelling; undefined for what is neither an address nor a range. */
export function normalRange(text: string): string | undefined {
  const [, host = '', length] = RANGE.exec(text.trim()) ?? [];
  if (isIP(host) === 0) return undefined;
  const address = ipaddr.process(host);
  const bits = length === undefined ? bitsOf(address) : Number(length);
  if (bits > bitsOf(address)) return undefined;
  return `${firstOf(address, bits).toNormalizedString()}/${bits}`;
}

/**
 * An empty list allows all. Where there is one, what is no address is not allowed, and what is no
 * range allows nothing.
 */
export function isAllowedAddress(ranges: readonly string[], address: string | undefined): boolean {
  if (ranges.length === 0) return true;
  const parsed = parseAddress(address ?? '');
  const subnets = ranges.flatMap((range) => normalRange(range) ?? []).map(parseSubnet);
  return parsed !== undefined && isWithin(parsed, subnets);
}

/** `192.0.2.0/24`: the first `bits` bits of an address. What is no address is its own range. */
export function rangeOf(text: string, bits: { readonly ipv4: number; readonly ipv6: number }) {
  const address = parseAddress(text);
  if (!address) return text;
  const length = bits[address.kind()];
  return `${firstOf(address, length).toNormalizedString()}/${length}`;
}

function firstOf(address: Address, length: number): Address {
  const bytes = address.toByteArray().map((byte, index) => {
    const kept = Math.min(8, Math.max(0, length - index * 8));
    return byte & (0xff00 >> kept) & 0xff;
  });
  return ipaddr.fromByteArray(bytes);
}

function bitsOf(address: Address): number {
  return address.kind() === 'ipv4' ? 32 : 128;
}

const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/** Whether the whole internet means the same by it: neither private nor loopback nor reserved. */
export function isPublic(text: string): boolean {
  const address = parseAddress(text);
  if (address?.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_IPV6);
}
