/** Throttles requests with a wrong or missing key by client address, counts them, and logs a summary once a minute. */
import { setMaxListeners } from 'node:events';
import type { FastifyBaseLogger } from 'fastify';
import ipaddr from 'ipaddr.js';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { MINUTE } from '../core/duration.js';
import type { Timers } from '../lib/timers.js';

export type Endpoint = 'api' | 'push';

export interface WrongKeysOptions {
  readonly log: FastifyBaseLogger;
  readonly timers: Timers;
}

/** Wrong keys of one address in a minute; responses beyond the limit are delayed. */
const MAX_PER_MINUTE = 20;
const DELAY_MS = 1_000;
const SUMMARY_MS = MINUTE;
/** The number of addresses and of accounts that a summary contains. */
const MAX_NAMED = 5;

export class WrongKeys {
  readonly #options: WrongKeysOptions;
  readonly #attempts = new RateLimiterMemory({ points: MAX_PER_MINUTE, duration: 60 });
  readonly #stopping = new AbortController();
  readonly #counts: Record<Endpoint, number> = { api: 0, push: 0 };
  #addresses = new Map<string, number>();
  #accounts = new Set<string>();
  /** The counts of the last summary. */
  #logged: Readonly<Record<Endpoint, number>> = { ...this.#counts };
  #end: (() => void) | undefined;

  constructor(options: WrongKeysOptions) {
    this.#options = options;
    // Each delayed response adds a listener.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** The number of requests since the start. */
  get counts(): Readonly<Record<Endpoint, number>> {
    return this.#counts;
  }

  start(): void {
    this.#end ??= this.#options.timers.every(SUMMARY_MS, async () => this.#logSummary());
  }

  /** Ends all delays. */
  stop(): void {
    this.#stopping.abort();
    this.#end?.();
    this.#logSummary();
  }

  /**
   * Resolves when the request may be refused.
   * @param account the account of the request, if it exists
   */
  async refuse(endpoint: Endpoint, address: string, account?: string): Promise<void> {
    this.#counts[endpoint] += 1;
    const from = networkOf(address);
    this.#addresses.set(from, (this.#addresses.get(from) ?? 0) + 1);
    if (account !== undefined && this.#accounts.size < MAX_NAMED) this.#accounts.add(account);
    const isThrottled = await this.#attempts.consume(from).then(
      () => false,
      () => true,
    );
    if (isThrottled) await this.#options.timers.sleep(DELAY_MS, this.#stopping.signal);
  }

  #logSummary(): void {
    const { api, push } = this.#counts;
    const since = { api: api - this.#logged.api, push: push - this.#logged.push };
    if (since.api + since.push === 0) return;
    const addresses = [...this.#addresses].sort(([, one], [, other]) => other - one);
    this.#options.log.warn(
      {
        ...since,
        addresses: addresses.length,
        most: Object.fromEntries(addresses.slice(0, MAX_NAMED)),
        accounts: [...this.#accounts],
      },
      'requests had a wrong or missing key; they were refused',
    );
    this.#logged = { api, push };
    this.#addresses = new Map();
    this.#accounts = new Set();
  }
}

/** The network that counts as one client: an IPv4 address, or an IPv6 /64. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
