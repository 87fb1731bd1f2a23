/** Reads the history, and follows it live. */
import type { Db } from '../db/schema.js';
import {
  findHistory,
  findNewestHistoryId,
  findRunningTransactions,
  type HistoryEntry,
  type HistoryFilter,
  type HistoryQuery,
} from '../db/tables/history.js';
import { systemTimers, type Timers } from '../lib/timers.js';

export interface HistoryItem extends Omit<HistoryEntry, 'id' | 'at'> {
  /** Its place in the history; `after` continues behind it. */
  readonly cursor: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface HistoryPage {
  readonly items: readonly HistoryItem[];
  /** The `after` of the next page. */
  readonly next: string;
}

const START = '0';
/** How long a page waits for transactions that were running when it was requested. */
const SETTLE_MS = 1_000;
const SETTLE_EVERY_MS = 10;
/** How often a follower looks for new entries. */
const FOLLOW_EVERY_MS = 250;
const FOLLOW_LIMIT = 500;

/** Entries in the order of their numbers, or the newest first. What was committed before the call is contained. */
export async function readHistory(db: Db, query: HistoryQuery): Promise<HistoryPage> {
  await waitForRunningTransactions(db);
  const items = (await findHistory(db, query)).map(toItem);
  return { items, next: items.at(-1)?.cursor ?? query.after ?? START };
}

/** Entries of a finished transaction are readable once every older transaction has ended, too. */
async function waitForRunningTransactions(db: Db): Promise<void> {
  // Transactions end in real time, also in tests.
  const deadline = systemTimers.elapsed() + SETTLE_MS;
  const { next } = await findRunningTransactions(db);
  while (systemTimers.elapsed() < deadline) {
    if ((await findRunningTransactions(db)).oldest >= next) return;
    await systemTimers.sleep(SETTLE_EVERY_MS);
  }
}

export interface FollowOptions {
  readonly timers: Timers;
  /** Ends following. */
  readonly signal: AbortSignal;
  /** Default: the newest entry at the call. */
  readonly after?: string | undefined;
}

/** Yields new entries as they become readable, each once; an empty list after each poll without any. */
export async function* followHistory(
  db: Db,
  filter: HistoryFilter,
  { timers, signal, after }: FollowOptions,
): AsyncGenerator<readonly HistoryItem[]> {
  let cursor = after ?? (await findNewestHistoryId(db));
  while (!signal.aborted) {
    const newest = await findNewestHistoryId(db);
    const entries =
      newest === cursor
        ? []
        : await findHistory(db, { ...filter, after: cursor, upTo: newest, limit: FOLLOW_LIMIT });
    // Entries that do not match are passed over.
    const isComplete = entries.length < FOLLOW_LIMIT;
    cursor = isComplete ? newest : (entries.at(-1)?.id ?? newest);
    yield entries.map(toItem);
    if (isComplete) await timers.sleep(FOLLOW_EVERY_MS, signal);
  }
}

const toItem = ({ id, at, ...entry }: HistoryEntry): HistoryItem => ({
  cursor: id,
  at: at.toISOString(),
  ...entry,
});
