/**
 * Combines the items that arrive while a batch is processed into the next batch. One batch is processed at a time. Each item
 * gets its own result, within a time limit.
 */

import { BatchTimeoutError } from './batch-timeout-error.js';
import { type Timers, withTimeout } from './timers.js';

interface QueuedItem<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

interface PendingGather {
  readonly expected: number;
  readonly enough: () => void;
}

export interface MicroBatcherOptions<Item> {
  readonly timers: Timers;
  /** The largest batch, as the sum of its items' sizes. A larger item is a batch by itself. */
  readonly maxSize: number;
  /** Default 1. */
  readonly sizeOf?: (item: Item) => number;
  /** The time limit of a batch, in milliseconds. The next batch begins after it. */
  readonly limitMs: number;
  /** After a batch, the next one waits as long as an item arrives within this time, in milliseconds; default 0. */
  readonly gapMs?: number;
}

export class MicroBatcher<Item, Result = void> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #options: MicroBatcherOptions<Item>;
  readonly #gathering = new Set<PendingGather>();
  #waiting: QueuedItem<Item, Result>[] = [];
  #isWorking = false;

  /**
   * @param work resolves with one result per item, in their order. A batch that exceeded its limit may still complete later, so
   * that an item can be processed twice
   */
  constructor(
    work: (items: readonly Item[]) => Promise<readonly Result[]>,
    options: MicroBatcherOptions<Item>,
  ) {
    this.#work = work;
    this.#options = options;
  }

  /**
   * Resolves with the item's result, or rejects with the error of its batch.
   * @throws {BatchTimeoutError}
   */
  async add(item: Item): Promise<Result> {
    return await new Promise<Result>((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isWorking) void this.#run();
      for (const { expected, enough } of this.#gathering) if (this.#waiting.length >= expected) enough();
    });
  }

  async #run(): Promise<void> {
    this.#isWorking = true;
    // Items of the same turn of the event loop are combined.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#countThatFit());
      try {
        const results = await this.#limited(this.#work(batch.map(({ item }) => item)));
        for (const [n, { resolve }] of batch.entries()) resolve(results[n] as Result);
        if (batch.length > 1) await this.#gather(batch.length + this.#waiting.length);
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isWorking = false;
  }

  /** At least one. */
  #countThatFit(): number {
    const { maxSize, sizeOf = () => 1 } = this.#options;
    let size = 0;
    const tooMany = this.#waiting.findIndex(({ item }, n) => {
      size += sizeOf(item);
      return size > maxSize && n > 0;
    });
    return tooMany === -1 ? this.#waiting.length : tooMany;
  }

  async #limited(work: Promise<readonly Result[]>): Promise<readonly Result[]> {
    const { timers, limitMs } = this.#options;
    const results = await withTimeout(timers, limitMs, work);
    if (results === undefined) throw new BatchTimeoutError(limitMs);
    return results;
  }

  /** Clients that got their results together send again together: waits until `expected` items wait, or no more arrive. */
  async #gather(expected: number): Promise<void> {
    const { timers, gapMs = 0 } = this.#options;
    if (gapMs === 0) return;
    for (let seen = -1; this.#waiting.length > seen && this.#waiting.length < expected; ) {
      seen = this.#waiting.length;
      const over = new AbortController();
      const gathering = { expected, enough: () => over.abort('enough') };
      this.#gathering.add(gathering);
      await timers.sleep(gapMs, over.signal);
      this.#gathering.delete(gathering);
    }
  }
}
