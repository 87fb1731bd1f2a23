/**
 * Retention of notifications: the data is deleted some days after its delivery, the row later. The periods are arguments.
 */
import { sql } from 'kysely';
import type { Db } from '../schema.js';
import { isForWebhook, type WebhookChannel } from './deliveries.js';

/** The channels by which notifications are delivered to the clinic, besides the feed. */
export interface DeliveryChannels extends WebhookChannel {
  readonly byQueue: boolean;
}

const PURGED_UNDELIVERED = 'it was not delivered in time, and its data was removed';

/**
 * Deletes the data of notifications that were delivered by every channel before an instant. Without a channel besides the
 * feed, the time of receipt counts.
 * @returns how many were purged
 */
export async function purgeDeliveredData(
  db: Db,
  channels: DeliveryChannels,
  before: Date,
  now: Date,
): Promise<number> {
  const { numAffectedRows } = await sql`
    UPDATE slotkeeper.notifications n
    SET data = NULL, purged_at = ${now}::timestamptz,
        -- No channel wanted it while it had data, so none receives it without.
        dropped_at = CASE WHEN n.delivered_at IS NULL THEN coalesce(n.dropped_at, ${now}::timestamptz)
                          ELSE n.dropped_at END
    FROM slotkeeper.accounts a
    WHERE a.id = n.account_id AND n.data IS NOT NULL AND n.received_at < ${before} AND n.failed_at IS NULL
      AND (NOT ${isForWebhook(channels)} OR coalesce(n.delivered_at, n.dropped_at) < ${before})
      AND (NOT ${channels.byQueue}::boolean OR n.queued_at < ${before})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}

/**
 * Deletes the data of all notifications that were received before an instant. Open ones fail.
 * @returns how many were purged
 */
export async function purgeExpiredData(db: Db, before: Date, now: Date): Promise<number> {
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
 * Deletes notifications that were received before an instant, except those about bookings that have not ended: the search for
 * missed bookings needs them to know what the clinic was notified of. A deleted notification that is received again counts as
 * new.
 * @returns how many were deleted
 */
export async function deleteExpiredNotifications(db: Db, before: Date, now: Date): Promise<number> {
  const { numAffectedRows } = await sql`
    DELETE FROM slotkeeper.notifications n
    WHERE n.received_at < ${before} AND NOT EXISTS (
      SELECT FROM slotkeeper.bookings b
      WHERE b.calendar_id = n.calendar_id AND b.id = n.booking_id AND b.end_at > ${now})`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
