/**
 * The requests of the last hour, by account: what the budget is counted from, by all workers together.
 *
 * A request counts from the moment its answer came, because the marketplace counted it no later than that.
 * Until then its row stands in the future, at the latest moment at which the answer can come; so a worker
 * that dies with a request in flight leaves the count too high for a moment, and never too low.
 */
import { sql } from 'kysely';
import type { Db } from './schema.js';

export interface Window {
  /** Which of them count. */
  readonly of: 'writes' | 'readings' | 'requests';
  /** How many fit. */
  readonly limit: number;
  /** In how long, in milliseconds. */
  readonly perMs: number;
}

export type Taken = { readonly kind: 'taken' } | { readonly kind: 'spent'; readonly until: Date };

/**
 * Takes one request out of every window, or so many, or none and says when to ask again.
 * @param answeredBy the latest moment at which they are over
 */
export async function takeRequest(
  db: Db,
  account: string,
  write: boolean,
  windows: readonly Window[],
  now: Date,
  answeredBy: Date,
  count = 1,
): Promise<Taken> {
  return await db.transaction().execute(async (tx): Promise<Taken> => {
    await tx
      .selectFrom('slotkeeper.accounts')
      .select('id')
      .where('id', '=', account)
      .forNoKeyUpdate()
      .executeTakeFirst();
    let until = now.getTime();
    for (const window of windows) {
      // The request that has to leave the window before these fit: for one it is the limit-th, counted from the latest.
      const blocking = await tx
        .selectFrom('slotkeeper.requests')
        .select('at')
        .where('account_id', '=', account)
        .$if(window.of !== 'requests', (query) => query.where('write', '=', window.of === 'writes'))
        .where('at', '>', new Date(now.getTime() - window.perMs))
        .orderBy('at', 'desc')
        .offset(Math.max(0, window.limit - count))
        .limit(1)
        .executeTakeFirst();
      if (blocking !== undefined) until = Math.max(until, blocking.at.getTime() + window.perMs);
    }
    if (until > now.getTime()) return { kind: 'spent', until: new Date(until) };
    await tx
      .insertInto('slotkeeper.requests')
      .values(Array.from({ length: count }, () => ({ account_id: account, at: answeredBy, write })))
      .execute();
    return { kind: 'taken' };
  });
}

/**
 * Dates a request to its answer, also where that came later than was expected. Of several that were to be answered
 * by the same moment it does not matter which: they only count.
 */
export async function requestAnswered(
  db: Db,
  account: string,
  write: boolean,
  answeredBy: Date,
  now: Date,
): Promise<void> {
  await sql`
    UPDATE slotkeeper.requests SET at = ${now}
    WHERE id = (
      SELECT id FROM slotkeeper.requests
      WHERE account_id = ${account} AND write = ${write} AND at = ${answeredBy}
      LIMIT 1
      FOR UPDATE SKIP LOCKED)`.execute(db);
}

/**
 * Gives back what was taken and never sent. The rows are chosen once: as a subquery of `IN` they could be chosen again for
 * each row that is looked at, and all would go.
 */
export async function giveBackRequests(
  db: Db,
  account: string,
  write: boolean,
  answeredBy: Date,
  count: number,
): Promise<void> {
  await sql`
    DELETE FROM slotkeeper.requests
    WHERE id = ANY (ARRAY(
      SELECT id FROM slotkeeper.requests
      WHERE account_id = ${account} AND write = ${write} AND at = ${answeredBy}
      LIMIT ${count}
      FOR UPDATE SKIP LOCKED))`.execute(db);
}

/** @returns how many rows no window reaches any more */
export async function forgetRequests(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.requests')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
