/** How long what the marketplace said is kept: its data until the clinic has it and some days more, its row for longer. */
import { sql } from 'kysely';
import { type Encryptor, KEY_ID_AT, KEY_ID_BYTES } from '../../crypto/encryptor.js';
import type { Db } from '../schema.js';
import { isWanted, type Wanted } from './deliveries.js';
import { contextOf } from './notifications.js';

/** Which ways out to the clinic there are, beside the feed. */
export interface WaysOut extends Wanted {
  readonly byQueue: boolean;
}

const PURGED_UNDELIVERED = 'it was not delivered in time, and its data was removed';

/**
 * Removes the data of what has gone every way out that there is before this moment. What goes none but the feed counts
 * from when it came.
 * @returns how many lost their data
 */
export async function purgeDelivered(db: Db, ways: WaysOut, before: Date, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.notifications n
    SET data = NULL, purged_at = ${now}::timestamptz,
        -- Nothing wanted it while it was whole, so nothing is to get what is left of it.
        dropped_at = CASE WHEN n.delivered_at IS NULL THEN coalesce(n.dropped_at, ${now}::timestamptz)
                          ELSE n.dropped_at END
    FROM slotkeeper.accounts a
    WHERE a.id = n.account_id AND n.data IS NOT NULL AND n.received_at < ${before} AND n.failed_at IS NULL
      AND (NOT ${isWanted(ways)} OR coalesce(n.delivered_at, n.dropped_at) < ${before})
      AND (NOT ${ways.byQueue}::boolean OR n.queued_at < ${before})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * Removes the data of everything that came before this moment. What is open then has failed.
 * @returns how many lost their data
 */
export async function purgeOld(db: Db, before: Date, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.notifications
    SET data = NULL, purged_at = ${now}::timestamptz, retry_at = NULL, retry_reason = NULL,
        failed_at = CASE WHEN delivered_at IS NULL AND dropped_at IS NULL
                         THEN coalesce(failed_at, ${now}::timestamptz) END,
        failed_reason = CASE WHEN delivered_at IS NULL AND dropped_at IS NULL
                             THEN coalesce(failed_reason, ${PURGED_UNDELIVERED}) END
    WHERE data IS NOT NULL AND received_at < ${before}`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * Removes what came before this moment, but for what is about bookings that are not over: it says what the clinic was told of
 * them, and what was not told is looked for.
 * @returns how many rows are gone: what comes again after this is news
 */
export async function deleteExpiredNotifications(db: Db, before: Date, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM slotkeeper.notifications n
    WHERE n.received_at < ${before} AND NOT EXISTS (
      SELECT FROM slotkeeper.bookings b
      WHERE b.calendar_id = n.calendar_id AND b.id = n.booking_id AND b.end_at > ${now})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

const KEY_ID = sql`encode(substring(data FROM ${sql.lit(KEY_ID_AT + 1)} FOR ${sql.lit(KEY_ID_BYTES)}), 'hex')`;

export interface MissingKey {
  readonly keyId: string;
  /** How many notifications do not open without it. */
  readonly count: number;
}

export async function missingKeys(db: Db, encryptor: Encryptor): Promise<MissingKey[]> {
  const { rows } = await sql<{ keyId: string; count: string }>`
    SELECT ${KEY_ID} AS "keyId", count(*) AS count FROM slotkeeper.notifications
    WHERE data IS NOT NULL GROUP BY 1 ORDER BY 1`.execute(db);
  return rows
    .filter(({ keyId }) => !encryptor.keyIds.includes(keyId))
    .map(({ keyId, count }) => ({ keyId, count: Number(count) }));
}

/**
 * Seals with the first key what was sealed with another, so that the other can be taken away.
 * @returns how many; less than `limit` where none is left
 */
export async function resealNotifications(db: Db, encryptor: Encryptor, limit: number): Promise<number> {
  const { oldKeyIds } = encryptor;
  if (oldKeyIds.length === 0) return 0;
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM slotkeeper.notifications
    WHERE data IS NOT NULL AND ${KEY_ID} IN (SELECT jsonb_array_elements_text(${JSON.stringify(oldKeyIds)}::jsonb))
    LIMIT ${limit}`.execute(db);
  // One after another, since their data may be large.
  for (const { id } of rows) await resealNotification(db, encryptor, id);
  return rows.length;
}

async function resealNotification(db: Db, encryptor: Encryptor, id: string): Promise<void> {
  const row = await db
    .selectFrom('slotkeeper.notifications')
    .select('data')
    .where('id', '=', id)
    .executeTakeFirst();
  if (row?.data == null) return;
  const context = contextOf(id);
  await db
    .updateTable('slotkeeper.notifications')
    .set({ data: encryptor.encrypt(encryptor.decrypt(row.data, context), context) })
    .where('id', '=', id)
    .where('data', 'is not', null)
    .execute();
}
