/**
 * Queries of `slotkeeper.requests`: the requests of the last hour by account, from which all workers together compute the
 * account's allowance.
 *
 * A request counts from the instant of its answer, because the marketplace counted it no later than that. Until the answer
 * arrives, its row has the latest instant at which the answer can arrive. So a worker that dies with a request in flight leaves
 * the count too high for a short time, and never too low.
 */
import { type RawBuilder, sql } from 'kysely';
import { COMMIT, runPipelined } from '../pipeline.js';
import type { Db } from '../schema.js';
import { PERMISSION_COLUMNS, type Permission, type PermissionState, permissionOf } from './account-states.js';

export interface RateWindow {
  /** Which requests count. */
  readonly of: 'writes' | 'reads' | 'requests';
  /** How many requests are allowed. */
  readonly limit: number;
  /** The length of the window in milliseconds. */
  readonly perMs: number;
}

export type AcquireResult = (
  | { readonly kind: 'acquired' }
  | { readonly kind: 'exhausted'; readonly until: Date }
) & {
  /** Whether the account may send requests at all; undefined where that has to be acquired. */
  readonly permission: Permission | undefined;
};

/**
 * Acquires `count` requests from every window, or none where one of the windows is exhausted.
 * @param answeredBy the latest instant at which the answers can arrive
 * @returns with `exhausted` also until when: the earliest instant at which trying again makes sense
 */
export async function acquireRequests(
  db: Db,
  account: string,
  write: boolean,
  windows: readonly RateWindow[],
  now: Date,
  answeredBy: Date,
  count = 1,
): Promise<AcquireResult> {
  const [locked, acquired] = await db.transaction().execute((tx) =>
    runPipelined(tx, (session) =>
      Promise.all([
        // The lock serializes the workers of an account. What another one has acquired is visible to the next statement.
        sql<PermissionState>`
          SELECT ${PERMISSION_COLUMNS} FROM slotkeeper.accounts WHERE id = ${account}
          FOR NO KEY UPDATE`.execute(session),
        insertRequests(account, write, windows, now, answeredBy, count).execute(session),
        COMMIT.execute(session),
      ]),
    ),
  );
  const permission = permissionOf(locked.rows[0], now);
  const until = acquired.rows[0]?.until;
  return until != null && until > now
    ? { kind: 'exhausted', until, permission }
    : { kind: 'acquired', permission };
}

/** Finds until when a request cannot be acquired, without acquiring it; undefined where it can be. */
export async function findExhaustedUntil(
  db: Db,
  account: string,
  windows: readonly RateWindow[],
  now: Date,
): Promise<Date | undefined> {
  const { rows } = await sql<{ until: Date | null }>`
    WITH full_until AS (${selectFullUntil(account, windows, now, 1)})
    SELECT until FROM full_until`.execute(db);
  const until = rows[0]?.until;
  return until != null && until > now ? until : undefined;
}

/** Inserts the requests unless a window is exhausted; its row says until when one is. */
function insertRequests(
  account: string,
  write: boolean,
  windows: readonly RateWindow[],
  now: Date,
  answeredBy: Date,
  count: number,
): RawBuilder<{ readonly until: Date | null }> {
  return sql<{ until: Date | null }>`
    WITH full_until AS (${selectFullUntil(account, windows, now, count)}),
    acquired AS (
      INSERT INTO slotkeeper.requests (account_id, at, write)
      SELECT ${account}, ${answeredBy}::timestamptz, ${write}::boolean
      FROM generate_series(1, ${count}::integer)
      WHERE NOT EXISTS (SELECT FROM full_until WHERE until > ${now}::timestamptz))
    SELECT until FROM full_until`;
}

/** Selects until when one of the windows is too full for `count` more requests; null where none is. */
function selectFullUntil(
  account: string,
  windows: readonly RateWindow[],
  now: Date,
  count: number,
): RawBuilder<unknown> {
  const limits = windows.map(({ of, limit, perMs }) => ({
    of,
    since: new Date(now.getTime() - perMs),
    per: perMs / 1_000,
    // The request that has to leave the window before these fit: for one request it is the limit-th, counted from the latest.
    nth: Math.max(0, limit - count),
  }));
  return sql`
      SELECT max(b.at + make_interval(secs => w.per)) AS until
      FROM jsonb_to_recordset(${JSON.stringify(limits)}::jsonb)
        AS w (of text, since timestamptz, per double precision, nth integer)
      CROSS JOIN LATERAL (
        -- Reads and writes are selected separately, so that each is read in the order of the index.
        SELECT at FROM (
          (SELECT at FROM slotkeeper.requests
           WHERE account_id = ${account} AND write AND w.of <> 'reads' AND at > w.since
           ORDER BY at DESC LIMIT w.nth + 1)
          UNION ALL
          (SELECT at FROM slotkeeper.requests
           WHERE account_id = ${account} AND NOT write AND w.of <> 'writes' AND at > w.since
           ORDER BY at DESC LIMIT w.nth + 1)) r
        ORDER BY at DESC OFFSET w.nth LIMIT 1) b`;
}

/**
 * Sets the instant of a request to that of its answer, also where the answer arrived later than expected. Any of several
 * requests with the same expected instant is updated: they are interchangeable, because they are only counted.
 */
export async function recordAnswer(
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
 * Releases requests that were acquired and never sent. `ANY (ARRAY(...))` selects the rows once. A subquery of `IN` could be
 * evaluated again for each row, and would then delete all of them.
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

/** @returns how many were deleted */
export async function deleteExpiredRequests(db: Db, before: Date): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('slotkeeper.requests')
    .where('at', '<', before)
    .executeTakeFirst();
  return Number(numDeletedRows);
}
