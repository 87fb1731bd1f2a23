// The rate limiter of the sandbox's API: sliding windows, which is the strictest interpretation of "per minute" and "per hour".
// No interval of the window's length allows more requests than the limit; a refused request is not counted. Contract: Limits.
import type { Limits } from './seed.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The state of one limit, as the X-RateLimit-* headers report it. */
export interface LimitState {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Epoch milliseconds at which the oldest counted request leaves the window. */
  readonly resetAt: number;
}

/** `state` is of the limit with the least remaining; undefined when no limit applies. */
export type LimitDecision = { readonly allowed: boolean; readonly state: LimitState | undefined };

class SlidingWindow {
  readonly #lengthMs: number;
  #times: number[] = [];
  #first = 0;

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs;
  }

  add(now: number): void {
    this.#times.push(now);
  }

  stateAt(limit: number, now: number): LimitState {
    while (this.#first < this.#times.length && this.#isOutside(this.#times[this.#first] ?? now, now))
      this.#first++;
    if (this.#first > 1_024 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    const used = this.#times.length - this.#first;
    // After a limit was lowered, the window can hold more requests than the limit: wait until enough of them leave the window.
    const deciding = this.#first + Math.max(0, used - limit);
    const resetAt = (this.#times[deciding] ?? now) + this.#lengthMs;
    return { limit, used, remaining: Math.max(0, limit - used), resetAt };
  }

  #isOutside(time: number, now: number): boolean {
    return time <= now - this.#lengthMs || time > now;
  }
}

interface LimitWindow {
  readonly name: keyof Limits;
  readonly window: SlidingWindow;
}

export class RateLimiter {
  readonly #windows = new Map<string, SlidingWindow>();

  /** Counts a request of a client if every limit allows it. */
  countRequest(client: string, isWrite: boolean, limits: Limits, now: number): LimitDecision {
    const requests = this.#window(client, 'requestsPerHour', HOUR_MS);
    if (!isWrite) return countIfAllowed([requests], limits, now);
    const minute = this.#window(client, 'writesPerMinute', MINUTE_MS);
    const hour = this.#window(client, 'writesPerHour', HOUR_MS);
    return countIfAllowed([minute, hour, requests], limits, now);
  }

  countRelease(client: string, limits: Limits, now: number): LimitDecision {
    return countIfAllowed([this.#window(client, 'releasesPerHour', HOUR_MS)], limits, now);
  }

  countTokenRequest(client: string, limits: Limits, now: number): LimitDecision {
    return countIfAllowed([this.#window(client, 'tokensPerHour', HOUR_MS)], limits, now);
  }

  /** Counts any request from one network address. */
  countNetworkRequest(address: string, limits: Limits, now: number): LimitDecision {
    return countIfAllowed([this.#window(address, 'requestsPerFiveMinutes', 5 * MINUTE_MS)], limits, now);
  }

  clear(): void {
    this.#windows.clear();
  }

  #window(owner: string, name: keyof Limits, lengthMs: number): LimitWindow {
    const key = `${name} ${owner}`;
    const window = this.#windows.get(key) ?? new SlidingWindow(lengthMs);
    this.#windows.set(key, window);
    return { name, window };
  }
}

function countIfAllowed(windows: readonly LimitWindow[], limits: Limits, now: number): LimitDecision {
  const counted = windows.flatMap(({ name, window }) => {
    const limit = limits[name];
    return limit === null ? [] : [{ window, limit }];
  });
  const allowed = counted.every(({ window, limit }) => window.stateAt(limit, now).remaining > 0);
  if (allowed) for (const { window } of counted) window.add(now);
  const states = counted.map(({ window, limit }) => window.stateAt(limit, now));
  const tightest = states.sort((a, b) => a.remaining - b.remaining || b.resetAt - a.resetAt)[0];
  return { allowed, state: tightest };
}
