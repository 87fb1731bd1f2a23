/**
 * A break that is not where it was looked for may be elsewhere: nothing but its removal is for good. And whose one is, that
 * is where one of ours was to be, nobody knows before it is read.
 *
 * And what waits for the queue of a PMS is found by an index that a notification comes into when it has its position, not
 * while it is being committed.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}

const statements = [
  `ALTER TABLE slotkeeper.breaks ADD COLUMN unlisted boolean NOT NULL DEFAULT false,
    ALTER COLUMN own DROP NOT NULL`,
  // Which of them were only not listed is not known: one that is listed again is there.
  `UPDATE slotkeeper.breaks SET unlisted = true, removed = false WHERE removed`,
  `DROP INDEX slotkeeper.breaks_by_till`,
  `CREATE INDEX breaks_by_till ON slotkeeper.breaks (calendar_id, till_at) WHERE NOT removed AND NOT unlisted`,

  `DROP INDEX slotkeeper.notifications_unqueued`,
  `CREATE INDEX notifications_unqueued ON slotkeeper.notifications (position)
    WHERE queued_at IS NULL AND position IS NOT NULL AND purged_at IS NULL`,
] as const;
