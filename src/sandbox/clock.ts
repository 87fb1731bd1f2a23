// The sandbox's clock. It follows a given clock and can be set, advanced and stopped, so that tests of windows of minutes
// and hours do not wait.

export class SandboxClock {
  readonly #base: () => number;
  readonly #listeners = new Set<() => void>();
  #offset = 0;
  #stoppedAt: number | undefined;

  /** @param base epoch milliseconds; the real clock by default */
  constructor(base: () => number = Date.now) {
    this.#base = base;
  }

  /** Epoch milliseconds. */
  readonly now = (): number => this.#stoppedAt ?? this.#base() + this.#offset;

  /** While the clock is stopped, only `set`, `advance` and `reset` change the time. */
  get isStopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** Sets the clock to an instant. The clock runs on from there unless `stopped` is true. */
  set(instant: number, options: { readonly stopped?: boolean } = {}): void {
    this.#offset = instant - this.#base();
    this.#stoppedAt = options.stopped === true ? instant : undefined;
    this.#notifyListeners();
  }

  advance(ms: number): void {
    if (this.#stoppedAt === undefined) this.#offset += ms;
    else this.#stoppedAt += ms;
    this.#notifyListeners();
  }

  reset(): void {
    this.#offset = 0;
    this.#stoppedAt = undefined;
    this.#notifyListeners();
  }

  /** Calls the listener whenever the clock is set, advanced or reset. */
  onJump(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #notifyListeners(): void {
    for (const listener of this.#listeners) listener();
  }
}
