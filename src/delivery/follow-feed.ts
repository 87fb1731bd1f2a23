/** Long polling of the feed: waits until an item is available, a deadline passes or the client leaves. */
import type { Encryptor } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { assignPositions, type Feed, type FeedQuery, findFeedPage } from '../db/tables/notifications.js';
import { addOwnNotifications } from '../db/tables/own-notifications.js';
import type { Timers } from '../lib/timers.js';
import type { Signal } from './signal.js';

export interface WaitForFeedOptions {
  readonly db: Db;
  readonly encryptor: Encryptor;
  readonly newItems: Signal;
  readonly now: () => number;
  readonly timers: Timers;
  /** How long to wait for the first item, in milliseconds. */
  readonly waitMs: number;
  /** Aborted when the client has left. */
  readonly signal?: AbortSignal | undefined;
}

/** Items that another process added are found by polling at this interval. */
const POLL_EVERY_MS = 1_000;

export async function waitForFeed(query: FeedQuery, options: WaitForFeedOptions): Promise<Feed> {
  const { db, encryptor, newItems, now, timers, waitMs, signal } = options;
  const deadline = timers.elapsed() + waitMs;
  for (;;) {
    const { count } = newItems;
    await addOwnNotifications(db, encryptor, new Date(now()));
    await assignPositions(db);
    const found = await findFeedPage(db, encryptor, query);
    const leftMs = deadline - timers.elapsed();
    const isOver = leftMs <= 0 || newItems.closed || signal?.aborted === true;
    if (found.items.length > 0 || isOver) return found;
    await newItems.wait(count, Math.min(leftMs, POLL_EVERY_MS), signal);
    if (newItems.closed || signal?.aborted) return found;
  }
}
