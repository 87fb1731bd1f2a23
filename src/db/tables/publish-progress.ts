/** Queries of what is recorded about the publishing of one day, for its explanation. */
import { sql } from 'kysely';
import type { Db } from '../schema.js';

export interface PublishProgress {
  /** When the failed day is retried. */
  readonly retryAt: Date | null;
  /** Whether a job of the calendar waits in the queue, as far as is known. */
  readonly isQueued: boolean;
  /** Whether a worker holds the calendar's lease. */
  readonly isLeased: boolean;
  /** When the day is read to verify its publication; null where no read is due. */
  readonly readAt: Date | null;
}

/** @returns undefined where the calendar does not exist */
export async function getPublishProgress(
  db: Db,
  calendar: string,
  date: string,
): Promise<PublishProgress | undefined> {
  const { rows } = await sql<PublishProgress>`
    SELECT d.retry_at AS "retryAt", c.queued_priority IS NOT NULL AS "isQueued",
           coalesce(c.lease_until > clock_timestamp(), false) AS "isLeased", v.due_at AS "readAt"
    FROM slotkeeper.calendars c
    LEFT JOIN slotkeeper.days d ON d.calendar_id = c.id AND d.date = ${date}
    LEFT JOIN slotkeeper.verifications v ON v.calendar_id = d.calendar_id AND v.date = d.date
      AND v.generation = d.generation AND d.generation > d.published_generation
    WHERE c.id = ${calendar}`.execute(db);
  return rows[0];
}
