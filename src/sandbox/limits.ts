// The limiter: sliding windows, the strictest reading of "per minute" and "per hour". In no stretch of that length are
// more requests let through than the number says; a refused request is not counted. Contract: Limits.
import type { Limits } from './seed.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One limit as the X-RateLimit-* headers tell it. */
export interface Reading {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Epoch milliseconds at which the oldest counted request leaves the window. */
  readonly resetAt: number;
}

export type Verdict = { readonly allowed: boolean; readonly reading: Reading | undefined };

class SlidingWindow {
  readonly #length: number;
  #times: number[] = [];
  #first = 0;

  constructor(length: number) {
    this.#length = length;
  }

  add(now: number): void {
    this.#times.push(now);
  }

  read(limit: number, now: number): Reading {
    while (this.#first < this.#times.length && this.#isOutside(this.#times[this.#first] ?? now, now))
      this.#first++;
    if (this.#first > 1_024 && this.#first * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#first);
      this.#first = 0;
    }
    const used = this.#times.length - this.#first;
    // With a lowered limit more may stand in the window than it allows: wait until enough of them have left.
    const decisive = this.#first + Math.max(0, used - limit);
    const resetAt = (this.#times[decisive] ?? now) + this.#length;
    return { limit, used, remaining: Math.max(0, limit - used), resetAt };
  }

  #isOutside(time: number, now: number): boolean {
    return time <= now - this.#length || time > now;
  }
}

interface Kept {
  readonly name: keyof Limits;
  readonly window: SlidingWindow;
}

export class Limiter {
  readonly #windows = new Map<string, SlidingWindow>();

  /** Counts a request of a client if every limit lets it through, and tells the limit that has least left. */
  request(client: string, isWrite: boolean, limits: Limits, now: number): Verdict {
    const requests = this.#window(client, 'requestsPerHour', HOUR);
    if (!isWrite) return take([requests], limits, now);
    const minute = this.#window(client, 'writesPerMinute', MINUTE);
    const hour = this.#window(client, 'writesPerHour', HOUR);
    return take([minute, hour, requests], limits, now);
  }

  release(client: string, limits: Limits, now: number): Verdict {
    return take([this.#window(client, 'releasesPerHour', HOUR)], limits, now);
  }

  token(client: string, limits: Limits, now: number): Verdict {
    return take([this.#window(client, 'tokensPerHour', HOUR)], limits, now);
  }

  /** Any request from one network address. */
  fromNetwork(address: string, limits: Limits, now: number): Verdict {
    return take([this.#window(address, 'requestsPerFiveMinutes', 5 * MINUTE)], limits, now);
  }

  clear(): void {
    this.#windows.clear();
  }

  #window(owner: string, name: keyof Limits, length: number): Kept {
    const key = `${name} ${owner}`;
    const window = this.#windows.get(key) ?? new SlidingWindow(length);
    this.#windows.set(key, window);
    return { name, window };
  }
}

function take(kept: readonly Kept[], limits: Limits, now: number): Verdict {
  const counted = kept.flatMap(({ name, window }) => {
    const limit = limits[name];
    return limit === null ? [] : [{ window, limit }];
  });
  const allowed = counted.every(({ window, limit }) => window.read(limit, now).remaining > 0);
  if (allowed) for (const { window } of counted) window.add(now);
  const readings = counted.map(({ window, limit }) => window.read(limit, now));
  const tightest = readings.sort((a, b) => a.remaining - b.remaining || b.resetAt - a.resetAt)[0];
  return { allowed, reading: tightest };
}
