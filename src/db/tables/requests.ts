/**
 * The requests of the last hour, by account: what the budget is counted from, by all workers together.
 *
 * A request counts from the moment its answer came, because the marketplace counted it no later than that.
 * Until then its row stands in the future, at the latest moment at which the answer can come; so a worker
 * that dies with a request in flight leaves the count too high for a moment, and never too low.
 */
import { type RawBuilder, sql } from 'kysely';
import { COMMIT, runPipelined } from '../pipeline.js';
import type { Db } from '../schema.js';

export interface Window {
  /** Which of them count. */
  readonly of: 'writes' | 'readings' | 'requests';
  /** How many fit. */
  readonly limit: number;
  /** In how long, in milliseconds. */
  readonly perMs: number;
}

export type BusyTime = { readonly kind: 'taken' } | { readonly kind: 'spent'; readonly until: Date };

/**
 * Takes one request out of every window, or so many, or none and says when to ask again.
 * @param answeredBy the latest moment at which they are over
 */
export async function acquireRequest(
  db: Db,
  account: string,
  write: boolean,
  windows: readonly Window[],
  now: Date,
  answeredBy: Date,
  count = 1,
): Promise<BusyTime> {
  const { rows } = await db.transaction().execute((tx) =>
    runPipelined(tx, async (session) => {
      const [, taken] = await Promise.all([
        // Whoever asks for the same account waits here; what it has taken is seen by the next statement.
        sql`SELECT FROM slotkeeper.accounts WHERE id = ${account} FOR NO KEY UPDATE`.execute(session),
        acquiringRequests(account, write, windows, now, answeredBy, count).execute(session),
        COMMIT.execute(session),
      ]);
      return taken;
    }),
  );
  const until = rows[0]?.until;
  return until != null && until > now ? { kind: 'spent', until } : { kind: 'taken' };
}

/** Until when a window is full, if one is; where none is, the requests are taken. */
function acquiringRequests(
  account: string,
  write: boolean,
  windows: readonly Window[],
  now: Date,
  answeredBy: Date,
  count: number,
): RawBuilder<{ readonly until: Date | null }> {
  const given = windows.map(({ of, limit, perMs }) => ({
    of,
    since: new Date(now.getTime() - perMs),
    per: perMs / 1_000,
    // The request that has to leave the window before these fit: for one it is the limit-th, counted from the latest.
    nth: Math.max(0, limit - count),
  }));
  return sql<{ until: Date | null }>`
    WITH full_until AS (
      SELECT max(b.at + make_interval(secs => w.per)) AS until
      FROM jsonb_to_recordset(${JSON.stringify(given)}::jsonb)
        AS w (of text, since timestamptz, per double precision, nth integer)
      CROSS JOIN LATERAL (
        -- Each kind by itself is read in the order of its index.
        SELECT at FROM (
          (SELECT at FROM slotkeeper.requests
           WHERE account_id = ${account} AND write AND w.of <> 'readings' AND at > w.since
           ORDER BY at DESC LIMIT w.nth + 1)
          UNION ALL
          (SELECT at FROM slotkeeper.requests
           WHERE account_id = ${account} AND NOT write AND w.of <> 'writes' AND at > w.since
           ORDER BY at DESC LIMIT w.nth + 1)) r
        ORDER BY at DESC OFFSET w.nth LIMIT 1) b),
    taken AS (
      INSERT INTO slotkeeper.requests (account_id, at, write)
      SELECT ${account}, ${answeredBy}::timestamptz, ${write}::boolean
      FROM generate_series(1, ${count}::integer)
      WHERE NOT EXISTS (SELECT FROM full_until WHERE until > ${now}::timestamptz))
    SELECT until FROM full_until`;
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
export async function releaseRequests(
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
export async function deleteExpiredRequests(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.requests')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
