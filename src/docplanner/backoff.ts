// How long something that keeps failing is left alone: twice as long after each failure, up to a bound.

export class Backoff {
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** Milliseconds left to wait at `now`; 0 when it may be tried. */
  waitMs(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** `retryAfterMs` is what the other side asked for; it is never undercut. */
  failed(now: number, delay: { readonly firstMs: number; readonly capMs: number }, retryAfterMs = 0): void {
    const grown = Math.min(delay.capMs, delay.firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    this.#until = now + Math.max(grown, retryAfterMs);
  }

  succeeded(): void {
    this.#failures = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
