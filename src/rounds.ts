/** Work that is done again and again by a timer, one round at a time: for what cannot rely on a queue. */
export abstract class Rounds {
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopping = false;

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** The first round begins at once. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#isStopping = false;
    this.#timer = setInterval(() => void this.run(), this.#everyMs);
    void this.run();
  }

  /** Waits for the round that is under way. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#running;
  }

  /** One round; one that is under way is joined. */
  async run(): Promise<void> {
    this.#running ??= this.round().finally(() => {
      this.#running = undefined;
    });
    await this.#running;
  }

  /** A round with much to do asks before each piece of it, and leaves the rest to the next. */
  protected get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Never fails: nobody waits for it who could do anything about it. */
  protected abstract round(): Promise<void>;
}
