// Refuses every connection of this process that leaves the machine, so that no test needs one.
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import { BlockList, isIP, type LookupFunction, Socket } from 'node:net';

/** The options of `connect`, to which its other forms (a path, a port and host) are brought. */
type Target = { path?: string; port?: number | string; host?: string; lookup?: LookupFunction };
type Connect = (this: Socket, ...args: unknown[]) => Socket;
type Callable = (...args: unknown[]) => unknown;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

let refusing = false;

/** For mocha's `--require`: refuses the network before the first test. */
export const mochaHooks = { beforeAll: refuseNetwork };

/** From now on this process reaches 127.0.0.0/8, ::1, localhost and Unix sockets only. */
export function refuseNetwork(): void {
  if (refusing) return;
  refusing = true;
  guardConnect();
  for (const api of [dns, dns.Resolver.prototype]) guardNames(api, answerLater);
  for (const api of [dns.promises, dns.promises.Resolver.prototype]) guardNames(api, reject);
  syncBuiltinESMExports();
}

function guardConnect(): void {
  const connect = Socket.prototype.connect as Connect;
  Socket.prototype.connect = function failClosed(this: Socket, ...args: unknown[]): Socket {
    const [target, listener] = parse(args);
    const host = target.host || 'localhost';
    if (target.path || isLocal(host)) return connect.apply(this, args);
    if (target.lookup && isIP(host) === 0) {
      return connect.call(this, { ...target, lookup: guardLookup(target) }, listener);
    }
    return fail(this, isNoName(host) ? noSuchName(host) : refusal(`${host}:${target.port}`));
  } as typeof Socket.prototype.connect;
}

/** As a real connection fails: after a moment in which the socket counts as connecting. */
function fail(socket: Socket, error: Error): Socket {
  process.nextTick(() => socket.destroy(error));
  return Object.assign(socket, { connecting: true });
}

function parse(args: unknown[]): [target: Target, listener: unknown] {
  const [first, second] = args;
  if (Array.isArray(first)) return parse(first);
  const listener = args.find((arg) => typeof arg === 'function');
  if (typeof first === 'object' && first !== null) return [first, listener];
  if (Number.isNaN(Number(first))) return [{ path: String(first) }, listener];
  return [{ port: Number(first), ...(typeof second === 'string' && { host: second }) }, listener];
}

function isLocal(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host.toLowerCase() === 'localhost';
  return loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** A test may give any name an address of its own: then the address decides, not the name. */
function guardLookup({ lookup = dns.lookup, port }: Target): LookupFunction {
  return (name, options, callback) =>
    lookup(name, options, (error, address, family) => {
      const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address];
      const outside = error ? undefined : addresses.find((entry) => !isLocal(entry));
      if (outside === undefined) return callback(error, address, family);
      callback(refusal(`${outside}:${port}`), address, family);
    });
}

function guardNames(api: object, refuse: (error: Error, args: unknown[]) => unknown): void {
  const factors = api as Record<string, Callable>;
  for (const method of Object.getOwnPropertyNames(api)) {
    const original = factors[method];
    if (!/^(lookup|resolve|reverse)/.test(method) || typeof original !== 'function') continue;
    factors[method] = function failClosed(this: unknown, ...args: unknown[]): unknown {
      const name = String(args[0]);
      if (method === 'lookup' && (isIP(name) !== 0 || isLocal(name))) {
        return original.apply(this, args);
      }
      return refuse(isNoName(name) ? noSuchName(name) : refusal(`${name}:53 (${method})`), args);
    };
  }
}

function answerLater(error: Error, args: unknown[]): void {
  const callback = args.at(-1);
  if (typeof callback !== 'function') throw error;
  process.nextTick(() => callback(error));
}

function reject(error: Error): Promise<never> {
  return Promise.reject(error);
}

/** RFC 2606, 2: nothing is ever below it, so there is nobody to ask. */
function isNoName(name: string): boolean {
  return name.toLowerCase().endsWith('.invalid');
}

function noSuchName(hostname: string): Error {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`);
  return Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname });
}

function refusal(target: string): Error {
  return Object.assign(new Error(`network refused in tests: ${target}`), { code: 'ENETUNREACH' });
}
