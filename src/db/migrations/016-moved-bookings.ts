/** What is told of a booking that moved says which one it is now; and one that moved has not been canceled. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`ALTER TABLE slotkeeper.notifications ADD COLUMN moved_to text`.execute(db);
  await sql`
    UPDATE slotkeeper.bookings SET status = 'moved'
    WHERE status = 'canceled' AND moved_to IS NOT NULL`.execute(db);
  await sql`
    CREATE INDEX bookings_by_moved_to ON slotkeeper.bookings (moved_to) WHERE moved_to IS NOT NULL`.execute(
    db,
  );
}
