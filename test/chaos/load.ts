// How long everybody in a chaos run goes on: until somebody who knows that enough has happened says that it is over.
import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export class Storm {
  readonly #over = new AbortController();

  readonly #until: number;

  /** @param until when its time is over, epoch milliseconds */
  constructor(until: number) {
    this.#until = until;
    setMaxListeners(0, this.#over.signal);
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Whether it lasts longer than it had to: then everybody lets the engine get on with its work. */
  get isMild(): boolean {
    return Date.now() >= this.#until;
  }

  /** Resolves after so many milliseconds, or as soon as it is over. @returns whether it goes on */
  async pause(ms: number): Promise<boolean> {
    // The only reason for a rejection is the signal.
    await sleep(ms, undefined, { signal: this.#over.signal }).catch(() => undefined);
    return !this.isOver;
  }

  /** Idempotent. */
  end(): void {
    this.#over.abort();
  }
}
