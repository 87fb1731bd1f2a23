/**
 * Does together what comes while something is under way: many pushes become one transaction, and each waits for its commit,
 * but not for ever.
 */
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

export class Together<Item> {
  readonly #work: (items: readonly Item[]) => Promise<void>;
  readonly #most: number;
  readonly #limitMs: number;
  readonly #gathering = new Set<Gathering>();
  #waiting: Waiting<Item>[] = [];
  #isWorking = false;

  /**
   * @param work may be done twice for an item: one that took too long may be done all the same, later
   * @param most items at a time
   * @param limitMs for one piece of work; what comes after it is not kept waiting for longer
   */
  constructor(work: (items: readonly Item[]) => Promise<void>, most: number, limitMs: number) {
    this.#work = work;
    this.#most = most;
    this.#limitMs = limitMs;
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
      const batch = this.#waiting.splice(0, this.#most);
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
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new TookTooLongError(this.#limitMs)), this.#limitMs);
    });
    await Promise.race([work, limit]).finally(() => clearTimeout(timer));
  }

  /** Until so many wait, or no more come. */
  async #gather(expected: number): Promise<void> {
    for (let seen = -1; this.#waiting.length > seen && this.#waiting.length < expected; ) {
      seen = this.#waiting.length;
      await new Promise<void>((resolve) => {
        const gathering = { expected, enough: () => done() };
        const timer = setTimeout(() => done(), GAP_MS);
        const done = (): void => {
          clearTimeout(timer);
          this.#gathering.delete(gathering);
          resolve();
        };
        this.#gathering.add(gathering);
      });
    }
  }
}
