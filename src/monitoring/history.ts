/** Reads the history, and follows it live. */
import type { Db } from '../db/schema.js';
import {
  findHistory,
  findHistoryHorizon,
  findLastHistoryId,
  type HistoryEntry,
  type HistoryFilter,
  type HistoryHorizon,
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
  const items = (await findHistory(db, await waitForHorizon(db), query)).map(toItem);
  return { items, next: items.at(-1)?.cursor ?? query.after ?? START };
}

/** Waits for the transactions that were adding entries at the call. */
async function waitForHorizon(db: Db): Promise<HistoryHorizon> {
  // Transactions end in real time, also in tests.
  const deadline = systemTimers.elapsed() + SETTLE_MS;
  const first = await findHistoryHorizon(db);
  let horizon = first;
  while (horizon.oldest !== undefined && horizon.oldest < first.next && systemTimers.elapsed() < deadline) {
    await systemTimers.sleep(SETTLE_EVERY_MS);
    horizon = await findHistoryHorizon(db);
  }
  return horizon;
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
  let cursor = after ?? (await findHistoryHorizon(db)).lastId;
  while (!signal.aborted) {
    const entries = (await findLastHistoryId(db)) === cursor ? [] : await findNewEntries(db, filter, cursor);
    cursor = entries.at(-1)?.id ?? cursor;
    yield entries.map(toItem);
    if (entries.length < FOLLOW_LIMIT) await timers.sleep(FOLLOW_EVERY_MS, signal);
  }
}

async function findNewEntries(db: Db, filter: HistoryFilter, after: string): Promise<HistoryEntry[]> {
  return await findHistory(db, await findHistoryHorizon(db), { ...filter, after, limit: FOLLOW_LIMIT });
}

const toItem = ({ id, at, ...entry }: HistoryEntry): HistoryItem => ({
  cursor: id,
  at: at.toISOString(),
  ...entry,
});
