/** Whether a resync has had the days tried again that had failed before it. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.resync_calendars ADD COLUMN retried boolean NOT NULL DEFAULT false`.execute(
    db,
  );
}
