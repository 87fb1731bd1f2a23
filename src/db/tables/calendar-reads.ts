/** Schedules the reads of calendars: their addresses once a day, their bookings by the missed-booking poller. */
import { sql } from 'kysely';
import { DAY } from '../../core/duration.js';
import type { Db } from '../schema.js';
import type { MarketplaceStatus } from './address-services.js';

/** The first reads of all calendars are spread over this time. */
const SPREAD_SECONDS = 60 * 60;

/** Records a read of the address; the next one is due a day later. */
export async function recordAddressRead(
  tx: Db,
  calendar: string,
  status: MarketplaceStatus | null,
  now: Date,
): Promise<void> {
  await tx
    .updateTable('slotkeeper.calendars')
    .set({
      marketplace_status: status,
      address_read_at: now,
      address_due_at: new Date(now.getTime() + DAY),
    })
    .where('id', '=', calendar)
    .execute();
}

export async function scheduleAddressReads(db: Db, calendars: readonly string[], at: Date): Promise<void> {
  if (calendars.length === 0) return;
  await db
    .updateTable('slotkeeper.calendars')
    .set({ address_due_at: at })
    .where('id', 'in', [...calendars])
    .execute();
}

/** Schedules the first read of every new calendar within an hour. */
export async function scheduleFirstAddressReads(db: Db, now: Date): Promise<void> {
  await sql`
    UPDATE slotkeeper.calendars
    SET address_due_at = ${now}::timestamptz
      + make_interval(secs => mod(abs(hashtext(id)::bigint), ${SPREAD_SECONDS})::double precision)
    WHERE id IN (
      SELECT id FROM slotkeeper.calendars WHERE address_due_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)`.execute(
    db,
  );
}

export async function isAddressReadDue(db: Db, calendar: string, now: Date): Promise<boolean> {
  const row = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('id', '=', calendar)
    .where('address_due_at', '<=', now)
    .executeTakeFirst();
  return row !== undefined;
}

/** @returns idle calendars whose address read is due, the longest overdue first */
export async function findAddressReadsDue(db: Db, now: Date, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('slotkeeper.calendars')
    .select('id')
    .where('address_due_at', '<=', now)
    .where('failed_reason', 'is', null)
    .where('retry_at', 'is', null)
    .where('queued_priority', 'is', null)
    .orderBy('address_due_at')
    .limit(limit)
    .execute();
  return rows.map(({ id }) => id);
}

/**
 * Acquires the account's calendar whose last read of bookings is the oldest and not after `notSince`. Failed calendars are
 * included, because what the marketplace shows of them can still be booked.
 * @returns its id; undefined where all were read since
 */
export async function acquireBookingsRead(
  db: Db,
  account: string,
  notSince: Date,
  now: Date,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    UPDATE slotkeeper.calendars c SET bookings_read_at = ${now}
    WHERE c.id = (
      SELECT id FROM slotkeeper.calendars
      WHERE account_id = ${account} AND (bookings_read_at IS NULL OR bookings_read_at <= ${notSince})
      ORDER BY bookings_read_at NULLS FIRST, id
      LIMIT 1
      FOR UPDATE SKIP LOCKED)
    RETURNING c.id`.execute(db);
  return rows[0]?.id;
}

/** Makes the next read of the bookings due earlier: as if the last one had been at `readAt`. */
export async function scheduleBookingsRead(db: Db, calendar: string, readAt: Date): Promise<void> {
  await db
    .updateTable('slotkeeper.calendars')
    .set({ bookings_read_at: readAt })
    .where('id', '=', calendar)
    .where('bookings_read_at', '>', readAt)
    .execute();
}
