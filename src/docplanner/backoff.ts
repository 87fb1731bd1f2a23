// An exponential backoff: the delay doubles after each failure, up to a cap.

export class Backoff {
  #failures = 0;
  #until = Number.NEGATIVE_INFINITY;

  /** The remaining delay at `now` in milliseconds; 0 when an attempt is allowed. */
  waitMs(now: number): number {
    return Math.max(0, this.#until - now);
  }

  /** @param retryAfterMs the delay that the server requested, which is the minimum */
  recordFailure(
    now: number,
    delay: { readonly firstMs: number; readonly capMs: number },
    retryAfterMs = 0,
  ): void {
    const grown = Math.min(delay.capMs, delay.firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    this.#until = now + Math.max(grown, retryAfterMs);
  }

  reset(): void {
    this.#failures = 0;
    this.#until = Number.NEGATIVE_INFINITY;
  }
}
