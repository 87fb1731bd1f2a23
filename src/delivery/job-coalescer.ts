/** Gathers what is to be woken while the queue is busy with what was before, so that a hundred at once are one job. */
import type { DeliveryKey } from '../db/tables/deliveries.js';

export class JobCoalescer {
  readonly #enqueue: (keys: readonly DeliveryKey[]) => Promise<void>;
  #gathered = new Map<string, DeliveryKey>();
  #isRunning = false;
  #running = Promise.resolve();

  /** @param wake must not fail */
  constructor(enqueue: (keys: readonly DeliveryKey[]) => Promise<void>) {
    this.#enqueue = enqueue;
  }

  add(keys: readonly DeliveryKey[]): void {
    for (const { account, calendar } of keys) {
      this.#gathered.set(JSON.stringify([account, calendar]), { account, calendar });
    }
    if (!this.#isRunning) this.#running = this.#run();
  }

  /** Waits until all that was added has been woken. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#gathered.size > 0) {
        const keys = [...this.#gathered.values()];
        this.#gathered = new Map();
        await this.#enqueue(keys);
      }
    } finally {
      // In the turn that saw that nothing is left: whoever adds after it begins anew.
      this.#isRunning = false;
    }
  }
}
