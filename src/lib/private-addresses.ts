/**
 * Refuses requests to private networks whose address came over HTTP: no loopback, private or link-local address is connected to
 * unless it is listed, in any notation, and whatever a host name resolves to.
 */
import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { type AgentOptions, type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import ipaddr from 'ipaddr.js';
import { type Timers, withTimeout } from './timers.js';

export const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** The time limit of an early lookup. After it, the address is checked when it is connected to. */
const MAX_RESOLVING_MS = 3_000;
const REFUSED = 'ERR_PRIVATE_ADDRESS';

export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError';
  readonly code = REFUSED;
}

export const isPrivateAddressError = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === REFUSED;

type Resolve = (
  host: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

export class PrivateAddresses {
  readonly #allowed: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];
  readonly #resolve: Resolve;
  /** Agents of requests without keep-alive. */
  readonly agents: Agents = this.agentsWith({});

  /** @param allowed private networks that are permitted; link-local ones never are */
  constructor(allowed: readonly string[], resolve: Resolve = lookup) {
    this.#allowed = allowed.map(readNetwork);
    this.#resolve = resolve;
  }

  /** Agents that check each address before they connect. */
  agentsWith(options: AgentOptions): Agents {
    const guard: Guard = {
      refusalOf: (address) => this.refusalOf(address),
      lookup: (host, asked, done) => this.#lookup(host, asked, done),
    };
    return { http: new GuardedHttpAgent(options, guard), https: new GuardedHttpsAgent(options, guard) };
  }

  /** @returns why this address is refused; undefined if it is permitted */
  refusalOf(address: string): string | undefined {
    if (!ipaddr.isValid(address)) return 'is no address';
    const read = plain(ipaddr.process(address));
    const range = read.range();
    if (range === 'unicast') return undefined;
    if (range === 'linkLocal') return 'is a link-local address, which is never asked';
    const isAllowed = this.#allowed.some(
      ([network, bits]) => network.kind() === read.kind() && read.match(network, bits),
    );
    return isAllowed ? undefined : 'is a private address, and network.allowPrivate does not list it';
  }

  /**
   * @returns why the URL's host is refused. A name that cannot be resolved now is checked when it is connected to
   */
  async refusalOfUrl(url: string, timers: Timers): Promise<string | undefined> {
    const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(host) !== 0) return this.refusalOf(host);
    if (/(^|\.)localhost\.?$/i.test(host)) return this.refusalOf('127.0.0.1');
    const resolved = new Promise<string | undefined>((resolve) => {
      this.#resolve(host, { all: true }, (error, addresses) => {
        resolve(error === null ? this.#refusalOfAny(addresses) : undefined);
      });
    });
    return await withTimeout(timers, MAX_RESOLVING_MS, resolved);
  }

  #refusalOfAny(addresses: readonly LookupAddress[]): string | undefined {
    return addresses.map(({ address }) => this.refusalOf(address)).find((reason) => reason !== undefined);
  }

  #lookup: LookupFunction = (host, options, done) => {
    this.#resolve(host, { ...options, all: true }, (error, addresses) => {
      const reason = error === null ? this.#refusalOfAny(addresses) : undefined;
      const [first] = addresses ?? [];
      if (error !== null) done(error, []);
      else if (reason !== undefined) done(new PrivateAddressError(reason), []);
      else if (options.all === true || first === undefined) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };
}

/** A network such as 192.0.2.0/24, or one address. */
function readNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether a server that listens there is reachable from this machine only. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || (ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback');

export const isLinkLocal = (network: string): boolean => readNetwork(network)[0].range() === 'linkLocal';

/** The IPv4 address that an IPv6 address embeds: RFC 6052, and the deprecated forms of RFC 4291. */
function plain(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.kind() === 'ipv4') return address;
  const isTranslated = address.match(ipaddr.parse('64:ff9b::'), 96);
  const isCompatible = address.match(ipaddr.parse('::'), 96) && address.range() === 'unicast';
  return isTranslated || isCompatible ? ipaddr.fromByteArray(address.toByteArray().slice(12)) : address;
}

interface Guard {
  readonly refusalOf: (address: string) => string | undefined;
  readonly lookup: LookupFunction;
}

type Created = (error: Error | null, stream: Duplex) => void;

/** A name is checked by the guarded lookup. An address has no lookup, so it is checked here. */
function guarded(
  guard: Guard,
  options: ClientRequestArgs,
  created: Created | undefined,
  connect: (options: ClientRequestArgs) => Duplex | null | undefined,
): Duplex | null | undefined {
  const host = options.host ?? '';
  const reason = isIP(host) === 0 ? undefined : guard.refusalOf(host);
  if (reason === undefined) return connect({ ...options, lookup: guard.lookup });
  // Node does not use the stream if there is an error.
  (created as ((error: Error) => void) | undefined)?.(new PrivateAddressError(reason));
  return undefined;
}

class GuardedHttpAgent extends HttpAgent {
  readonly #guard: Guard;

  constructor(options: AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(options: ClientRequestArgs, created?: Created): Duplex | null | undefined {
    return guarded(this.#guard, options, created, (checked) => super.createConnection(checked, created));
  }
}

class GuardedHttpsAgent extends HttpsAgent {
  readonly #guard: Guard;

  constructor(options: AgentOptions, guard: Guard) {
    super(options);
    this.#guard = guard;
  }

  override createConnection(options: ClientRequestArgs, created?: Created): Duplex | null | undefined {
    return guarded(this.#guard, options, created, (checked) => super.createConnection(checked, created));
  }
}
