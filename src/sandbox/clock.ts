// The sandbox's own time. It follows a given clock, and can be set, moved on or stopped, so that windows of minutes and
// hours are tested without waiting.

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

  /** While it is, only `set`, `advance` and `reset` change the time. */
  get isStopped(): boolean {
    return this.#stoppedAt !== undefined;
  }

  /** Puts the clock at an instant; it runs on from there unless `stopped`. */
  set(instant: number, options: { readonly stopped?: boolean } = {}): void {
    this.#offset = instant - this.#base();
    this.#stoppedAt = options.stopped === true ? instant : undefined;
    this.#jumped();
  }

  advance(ms: number): void {
    if (this.#stoppedAt === undefined) this.#offset += ms;
    else this.#stoppedAt += ms;
    this.#jumped();
  }

  reset(): void {
    this.#offset = 0;
    this.#stoppedAt = undefined;
    this.#jumped();
  }

  /** Told whenever the clock was set, advanced or reset. */
  onJump(listener: () => void): void {
    this.#listeners.add(listener);
  }

  #jumped(): void {
    for (const listener of this.#listeners) listener();
  }
}
