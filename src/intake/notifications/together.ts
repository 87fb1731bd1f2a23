/**
 * Does together what comes while something is under way: many pushes become one transaction, and each waits for its commit,
 * but not for ever.
 */
import { type Timers, within } from '../../lib/timers.js';
import { TookTooLongError } from './took-too-long-error.js';

/** Where many come, the next is here within this time, in milliseconds. */
const GAP_MS = 2;

interface Waiting<Item> {
  readonly item: Item;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

interface Gathering {
  readonly expected: number;
  readonly enough: () => void;
}

export interface TogetherOptions {
  readonly timers: Timers;
  /** Items at a time. */
  readonly most: number;
  /** For one piece of work, in milliseconds; what comes after it is not kept waiting for longer. */
  readonly limitMs: number;
}

export class Together<Item> {
  readonly #work: (items: readonly Item[]) => Promise<void>;
  readonly #options: TogetherOptions;
  readonly #gathering = new Set<Gathering>();
  #waiting: Waiting<Item>[] = [];
  #isWorking = false;

  /** @param work may be done twice for an item: one that took too long may be done all the same, later */
  constructor(work: (items: readonly Item[]) => Promise<void>, options: TogetherOptions) {
    this.#work = work;
    this.#options = options;
  }

  /**
   * Resolves, or rejects, as the work does that it is part of. What is not waited for may come before what was earlier.
   * @throws {TookTooLongError}
   */
  async add(item: Item): Promise<void> {
    await new Promise<void>((done, failed) => {
      this.#waiting.push({ item, done, failed });
      if (!this.#isWorking) void this.#run();
      for (const { expected, enough } of this.#gathering) if (this.#waiting.length >= expected) enough();
    });
  }

  async #run(): Promise<void> {
    this.#isWorking = true;
    // What comes in the same turn is together already.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#options.most);
      try {
        await this.#limited(this.#work(batch.map(({ item }) => item)));
        for (const { done } of batch) done();
        // Who was answered together asks together again: the first of them waits for the others, as long as they come.
        if (batch.length > 1) await this.#gather(batch.length);
      } catch (error) {
        for (const { failed } of batch) failed(error);
      }
    }
    this.#isWorking = false;
  }

  async #limited(work: Promise<void>): Promise<void> {
    const { timers, limitMs } = this.#options;
    const isDone = await within(
      timers,
      limitMs,
      work.then(() => true),
    );
    if (!isDone) throw new TookTooLongError(limitMs);
  }

  /** Until so many wait, or no more come. */
  async #gather(expected: number): Promise<void> {
    for (let seen = -1; this.#waiting.length > seen && this.#waiting.length < expected; ) {
      seen = this.#waiting.length;
      const over = new AbortController();
      const gathering = { expected, enough: () => over.abort() };
      this.#gathering.add(gathering);
      await this.#options.timers.sleep(GAP_MS, over.signal);
      this.#gathering.delete(gathering);
    }
  }
}
