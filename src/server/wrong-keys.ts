/**
 * What becomes of requests with a wrong key, or with none: they are slowed for each address, counted, and logged once a minute.
 * One with the right key never gets here.
 */
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

/** From one address in a minute; those beyond are answered after a pause. */
const MAX_PER_MINUTE = 20;
const PAUSE_MS = 1_000;
const SUMMARY_MS = MINUTE;
/** Addresses and accounts that a summary names. */
const MAX_NAMED = 5;

export class WrongKeys {
  readonly #options: WrongKeysOptions;
  readonly #attempts = new RateLimiterMemory({ points: MAX_PER_MINUTE, duration: 60 });
  readonly #stopping = new AbortController();
  readonly #counts: Record<Endpoint, number> = { api: 0, push: 0 };
  #addresses = new Map<string, number>();
  #accounts = new Set<string>();
  #summed: Readonly<Record<Endpoint, number>> = { ...this.#counts };
  #end: (() => void) | undefined;

  constructor(options: WrongKeysOptions) {
    this.#options = options;
    // One for each answer that waits.
    setMaxListeners(0, this.#stopping.signal);
  }

  /** How many there were, since the start. */
  get counts(): Readonly<Record<Endpoint, number>> {
    return this.#counts;
  }

  start(): void {
    this.#end ??= this.#options.timers.every(SUMMARY_MS, async () => this.#sumUp());
  }

  /** Ends all pauses. */
  stop(): void {
    this.#stopping.abort();
    this.#end?.();
    this.#sumUp();
  }

  /**
   * Resolves when the request may be answered that its key is not right.
   * @param account that there is
   */
  async refuse(endpoint: Endpoint, address: string, account?: string): Promise<void> {
    this.#counts[endpoint] += 1;
    const from = networkOf(address);
    this.#addresses.set(from, (this.#addresses.get(from) ?? 0) + 1);
    if (account !== undefined && this.#accounts.size < MAX_NAMED) this.#accounts.add(account);
    const isSlowed = await this.#attempts.consume(from).then(
      () => false,
      () => true,
    );
    if (isSlowed) await this.#options.timers.sleep(PAUSE_MS, this.#stopping.signal);
  }

  #sumUp(): void {
    const { api, push } = this.#counts;
    const since = { api: api - this.#summed.api, push: push - this.#summed.push };
    if (since.api + since.push === 0) return;
    const addresses = [...this.#addresses].sort(([, one], [, other]) => other - one);
    this.#options.log.warn(
      {
        ...since,
        addresses: addresses.length,
        most: Object.fromEntries(addresses.slice(0, MAX_NAMED)),
        accounts: [...this.#accounts],
      },
      'requests without the right key',
    );
    this.#summed = { api, push };
    this.#addresses = new Map();
    this.#accounts = new Set();
  }
}

/** What one sender has: of IPv6 a whole /64. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return 'unknown';
  const parsed = ipaddr.process(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.toString();
  return `${parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`;
}
