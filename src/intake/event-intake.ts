/**
 * Takes occupancy events in, from the API and from the queue. What arrives while a transaction commits is applied in the next
 * one; each batch has its own result. A calendar that another transaction has locked holds up no other.
 */
import { MicroBatcher } from '../lib/micro-batcher.js';
import { systemTimers, type Timers } from '../lib/timers.js';
import type { Sealer } from '../privacy/sealer.js';
import { lockCalendars } from '../store/events.js';
import { isUnavailable } from '../store/is-unavailable.js';
import type { AddedNotification } from '../store/notifications.js';
import type { Db } from '../store/schema.js';
import type { WantedCalendar } from '../store/wanted.js';
import { applyBatches, type BatchResult, type EventBatch } from './apply-events.js';
import type { EventsResult } from './events-result.js';

export interface EventIntakeOptions {
  readonly db: Db;
  readonly sealer: Sealer;
  readonly now: () => number;
  readonly timers: Timers;
  /** Has calendars published soon. Never fails. */
  readonly wake: (calendars: readonly WantedCalendar[]) => Promise<void>;
  /** Has notifications brought to the clinic soon. Never fails. */
  readonly deliver: (added: readonly AddedNotification[]) => void;
}

/** Events in one transaction. */
const MAX_EVENTS = 500;
/** For one transaction, in milliseconds. */
const COMMIT_WITHIN_MS = 15_000;
/** Where many arrive, the next one is here within this time, in milliseconds. */
const GAP_MS = 2;
/** Locked calendars that are waited for at the same time, each on a connection; the others are tried again after a pause. */
const MAX_WAITS = 4;
const PAUSE_MS = 100;

type Outcome =
  | { readonly error: unknown }
  | {
      readonly result: BatchResult;
      /** Resolves when the calendars to be published are on the queue. */
      readonly queued: Promise<void>;
    };

export class EventIntake {
  readonly #options: EventIntakeOptions;
  readonly #batcher: MicroBatcher<EventBatch, Outcome>;
  /** By calendar. */
  readonly #waits = new Map<string, Promise<void>>();

  constructor(options: EventIntakeOptions) {
    this.#options = options;
    this.#batcher = new MicroBatcher((batches) => this.#applyAll(batches), {
      // It waits for clients and the database, whose time nobody moves.
      timers: systemTimers,
      maxSize: MAX_EVENTS,
      sizeOf: ({ events }) => events.length,
      limitMs: COMMIT_WITHIN_MS,
      gapMs: GAP_MS,
    });
  }

  /** Resolves when they are committed, and what is to be published is on the queue. */
  async apply(batch: EventBatch): Promise<EventsResult> {
    for (;;) {
      const outcome = await this.#batcher.add(batch);
      if ('error' in outcome) throw outcome.error;
      // The next transaction does not wait for the queue.
      await outcome.queued;
      if (!('locked' in outcome.result)) return outcome.result;
      await this.#released(outcome.result.locked);
    }
  }

  /** One that the database will not have costs the others a second way, and none of them its answer. */
  async #applyAll(batches: readonly EventBatch[]): Promise<Outcome[]> {
    try {
      return await this.#commit(batches);
    } catch (error) {
      if (batches.length === 1 || isUnavailable(error)) throw error;
    }
    const outcomes: Outcome[] = [];
    for (const batch of batches) {
      outcomes.push(...(await this.#commit([batch]).catch((error: unknown) => [{ error }])));
    }
    return outcomes;
  }

  async #commit(batches: readonly EventBatch[]): Promise<Outcome[]> {
    const { db, sealer, now, wake, deliver } = this.#options;
    const { results, wakes, added } = await applyBatches(db, batches, now(), sealer);
    deliver(added);
    const queued = wakes.length > 0 ? wake(wakes) : Promise.resolve();
    return results.map((result) => ({ result, queued }));
  }

  /** Waits until nobody else has the calendar locked, or for a while. */
  async #released(calendar: string): Promise<void> {
    const { db, timers } = this.#options;
    let wait = this.#waits.get(calendar);
    if (wait === undefined && this.#waits.size < MAX_WAITS) {
      wait = lockCalendars(db, [calendar])
        .then(() => undefined)
        .finally(() => this.#waits.delete(calendar));
      this.#waits.set(calendar, wait);
    }
    if (wait !== undefined) return await wait;
    const ended = [...this.#waits.values()].map((one) => one.catch(() => undefined));
    await Promise.race([...ended, timers.sleep(PAUSE_MS)]);
  }
}
