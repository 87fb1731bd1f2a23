/** The feed, for one who waits for what comes next. */

import type { Sealer } from '../crypto/encryptor.js';
import type { Db } from '../db/schema.js';
import { type Feed, type FeedQuery, feed } from '../db/tables/notifications.js';
import type { Timers } from '../lib/timers.js';
import type { Arrivals } from './signal.js';

export interface FollowOptions {
  readonly db: Db;
  readonly sealer: Sealer;
  readonly arrivals: Arrivals;
  readonly timers: Timers;
  /** How long to wait where there is nothing yet, in milliseconds. */
  readonly waitMs: number;
  /** Aborted when nobody wants the answer any more. */
  readonly signal?: AbortSignal | undefined;
}

/** What came by another process is found by looking this often. */
const LOOK_EVERY_MS = 1_000;

export async function followFeed(query: FeedQuery, options: FollowOptions): Promise<Feed> {
  const { db, sealer, arrivals, timers, waitMs, signal } = options;
  const deadline = timers.elapsed() + waitMs;
  for (;;) {
    const { count } = arrivals;
    const found = await feed(db, sealer, query);
    const leftMs = deadline - timers.elapsed();
    const isOver = leftMs <= 0 || arrivals.closed || signal?.aborted === true;
    if (found.items.length > 0 || isOver) return found;
    await arrivals.wait(count, Math.min(leftMs, LOOK_EVERY_MS), signal);
    if (arrivals.closed || signal?.aborted) return found;
  }
}
